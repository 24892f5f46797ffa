/** The backbones that are known by name, one row each. */
import type { Normalisation } from './normalisation.ts';
import type { NpmPackage } from './sources/npm.ts';

/** What is known of a backbone before its weights are there. */
export interface BackboneFacts {
  /** Name and paper. */
  readonly title: string;
  /** Numbers in it up to its features, in millions. */
  readonly millions: number;
  /** Height and width in pixels. */
  readonly size: number;
  /** How the weights of the source want their pixels. Other weights of the same architecture may want others. */
  readonly normalisation: Normalisation;
  /** Tensor of the last spatial map, and its shape [C, H, W]. */
  readonly features: string;
  readonly dims: readonly [number, number, number];
  /** Where it can be cut, from the input to the features. */
  readonly cuts: readonly string[];
  readonly licence: string;
  readonly origin: string;
}

/** A Keras network inside a package of the npm registry, saved as script modules. */
export interface NpmKerasSource extends NpmPackage {
  /** Path of the topology inside the package; the weight files lie beside it. */
  readonly model: string;
  readonly shards: readonly string[];
  /** Millions of bytes to fetch. */
  readonly megabytes: number;
}

export interface NpmRow extends BackboneFacts {
  readonly kind: 'npm';
  readonly source: NpmKerasSource;
  /** Short name of a cut at a tensor, or undefined where cutting is of no use. */
  readonly cutName: (tensor: string, index: number) => string | undefined;
}

/** A file of PyTorch weights at a URL, pinned. */
export interface WebSource {
  readonly url: string;
  readonly sha256: string;
  readonly megabytes: number;
}

export interface WebRow extends BackboneFacts {
  readonly kind: 'https';
  readonly source: WebSource;
}

/** No weights that may be fetched are known: the user has a file of them. */
export interface FileRow extends BackboneFacts {
  readonly kind: 'file';
  /** What to import. */
  readonly source: { readonly files: string };
}

export type BackboneRow = NpmRow | WebRow | FileRow;

const NSFWJS: Pick<NpmKerasSource, 'megabytes' | keyof NpmPackage> = {
  name: 'nsfwjs',
  version: '4.4.0',
  integrity: 'sha512-krC1fgeTLXtZwgdpKJ0jm7hqv0gTSRQQRL+FhOaxaJ9Wj92t42BO3csO2odwgTAgZgf2RvkwPtp0R8Aa7dc+MA==',
  megabytes: 25,
};
const NSFWJS_LICENCE = 'MIT (npm package nsfwjs 4.4.0, Copyright 2019 Infinite Red, Inc.)';
const NSFWJS_ORIGIN = 'ImageNet-derived, fine-tuned for another task (content moderation); weights stored in 8 bits';

function nsfwjs(folder: string, shards: number): NpmKerasSource {
  const path = (file: string): string => `dist/models/${folder}/${file}.min.js`;
  return {
    ...NSFWJS,
    model: path('model'),
    shards: Array.from({ length: shards }, (_, i) => path(`group1-shard${i + 1}of${shards}`)),
  };
}

const TORCHVISION = 'BSD-3-Clause (torchvision); trained on ImageNet, whose images are for non-commercial research';

/** torchvision names its files by the first eight digits of their SHA-256; all others agree in several projects that pin them. */
function torchvision(file: string, sha256: string, megabytes: number): WebSource {
  return { url: `https://download.pytorch.org/models/${file}`, sha256, megabytes };
}

const numbered = (count: number, name: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => name(i));
const stages = (counts: readonly number[], name: (stage: number, i: number) => string): string[] =>
  counts.flatMap((count, stage) => numbered(count, (i) => name(stage + 1, i)));
/** torchvision's VGG: a convolution and its ReLU are two modules, and a pooling ends each stage of `counts` of them. */
function vggCuts(counts: readonly number[]): string[] {
  let start = 0;
  const names: string[] = [];
  for (const count of counts) {
    const first = start;
    start += 2 * count + 1;
    names.push(...numbered(count, (i) => `features.${first + 2 * i + 1}`), `features.${start - 1}`);
  }
  return names;
}

export const BACKBONES = {
  resnet50: {
    title: 'ResNet50 (He et al. 2015, arXiv:1512.03385)',
    kind: 'https',
    source: torchvision(
      'resnet50-0676ba61.pth',
      '0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a',
      103,
    ),
    millions: 23.5,
    size: 224,
    normalisation: 'imagenet',
    features: 'layer4.2',
    dims: [2048, 7, 7],
    cuts: ['input', 'maxpool', ...stages([3, 4, 6, 3], (stage, i) => `layer${stage}.${i}`)],
    licence: TORCHVISION,
    origin: 'ResNet50 of torchvision, IMAGENET1K_V1: trained on ImageNet (1.28 million photographs, 1000 classes)',
  },
  inception_v3: {
    title: 'InceptionV3 (Szegedy et al. 2015, arXiv:1512.00567)',
    kind: 'npm',
    source: nsfwjs('inception_v3', 6),
    millions: 21.8,
    size: 299,
    normalisation: 'unit',
    features: 'mixed10',
    dims: [2048, 8, 8],
    cuts: ['input', ...numbered(7, (i) => `stem_${i + 1}`), ...numbered(11, (i) => `mixed${i}`)],
    cutName: (tensor, index) => (/^mixed\d+$/.test(tensor) ? tensor : `stem_${index}`),
    licence: NSFWJS_LICENCE,
    origin: `InceptionV3: ${NSFWJS_ORIGIN}`,
  },
  xception: {
    title: 'Xception (Chollet 2016, arXiv:1610.02357)',
    kind: 'file',
    source: { files: "Keras' xception_weights_tf_dim_ordering_tf_kernels_notop.h5, or an ONNX export" },
    millions: 20.9,
    size: 299,
    normalisation: 'symmetric',
    features: 'block14_sepconv2_act',
    dims: [2048, 10, 10],
    cuts: [
      ...['input', 'block1_conv1_act', 'block1_conv2_act'],
      ...numbered(12, (i) => `block${i + 2}`),
      ...['block14_sepconv1_act', 'block14_sepconv2_act'],
    ],
    licence: 'that of the file: say it with --licence',
    origin: 'that of the file',
  },
  vgg16: {
    title: 'VGG16 (Simonyan and Zisserman 2014, arXiv:1409.1556)',
    kind: 'https',
    source: torchvision('vgg16-397923af.pth', '397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0', 553),
    millions: 14.7,
    size: 224,
    normalisation: 'imagenet',
    features: 'features.30',
    dims: [512, 7, 7],
    cuts: ['input', ...vggCuts([2, 2, 3, 3, 3])],
    licence: TORCHVISION,
    origin: 'VGG16 of torchvision, IMAGENET1K_V1: trained on ImageNet',
  },
  vgg19: {
    title: 'VGG19 (Simonyan and Zisserman 2014, arXiv:1409.1556)',
    kind: 'https',
    source: torchvision('vgg19-dcbb9e9d.pth', 'dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44', 575),
    millions: 20.0,
    size: 224,
    normalisation: 'imagenet',
    features: 'features.36',
    dims: [512, 7, 7],
    cuts: ['input', ...vggCuts([2, 2, 4, 4, 4])],
    licence: TORCHVISION,
    origin: 'VGG19 of torchvision, IMAGENET1K_V1: trained on ImageNet',
  },
  mobilenet_v2: {
    title: 'MobileNetV2 1.0 (Sandler et al. 2018, arXiv:1801.04381)',
    kind: 'npm',
    source: nsfwjs('mobilenet_v2', 1),
    millions: 2.3,
    size: 224,
    normalisation: 'unit',
    features: 'out_relu',
    dims: [1280, 7, 7],
    cuts: ['input', 'stem', ...numbered(17, (i) => `block_${i}`), 'out'],
    cutName: (tensor) => {
      if (tensor === 'Conv1_relu') return 'stem';
      if (tensor === 'expanded_conv_project_BN') return 'block_0';
      if (tensor === 'out_relu') return 'out';
      return /^(block_\d+)_(?:add|project_BN)$/.exec(tensor)?.[1];
    },
    licence: NSFWJS_LICENCE,
    origin: `MobileNetV2 1.0: ${NSFWJS_ORIGIN}`,
  },
  efficientnet_b0: {
    title: 'EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946)',
    kind: 'https',
    source: torchvision(
      'efficientnet_b0_rwightman-7f5810bc.pth',
      '7f5810bc96def8f7552d5b7e68d53c4786f81167d28291b21c0d90e1fca14934',
      21,
    ),
    millions: 4.0,
    size: 224,
    normalisation: 'imagenet',
    features: 'features.8',
    dims: [1280, 7, 7],
    cuts: [
      ...['input', 'features.0', 'features.1.0.block.2.1'],
      // The first block of a stage has no sum: its last layer ends it.
      ...[2, 2, 3, 3, 4, 1].flatMap((count, k) => [
        `features.${k + 2}.0.block.3.1`,
        ...numbered(count - 1, (i) => `features.${k + 2}.${i + 1}`),
      ]),
      'features.8',
    ],
    licence: TORCHVISION,
    origin: 'EfficientNet-B0 of torchvision, IMAGENET1K_V1: trained on ImageNet by R. Wightman',
  },
  densenet121: {
    title: 'DenseNet121 (Huang et al. 2016, arXiv:1608.06993)',
    kind: 'https',
    source: torchvision(
      'densenet121-a639ec97.pth',
      'a639ec97d7c33b07ae66f0b5fb7d0192f95a3b11b7576c66c0126c2a727c4395',
      32,
    ),
    millions: 7.0,
    size: 224,
    normalisation: 'imagenet',
    features: 'relu',
    dims: [1024, 7, 7],
    cuts: [
      ...['input', 'features.pool0'],
      ...[6, 12, 24, 16].flatMap((count, k) => [
        ...numbered(count, (i) => `features.denseblock${k + 1}.denselayer${i + 1}`),
        k === 3 ? 'relu' : `features.transition${k + 1}.pool`,
      ]),
    ],
    licence: TORCHVISION,
    origin: 'DenseNet121 of torchvision, IMAGENET1K_V1: trained on ImageNet',
  },
  convnext_tiny: {
    title: 'ConvNeXt-Tiny (Liu et al. 2022, arXiv:2201.03545)',
    kind: 'https',
    source: torchvision(
      'convnext_tiny-983f1562.pth',
      '983f1562536e84ff750a1576fb08e54de751dbf2e17c0d8a4a13704341fdcd3d',
      114,
    ),
    millions: 27.8,
    size: 224,
    normalisation: 'imagenet',
    features: 'features.7.2',
    dims: [768, 7, 7],
    cuts: [
      ...['input', 'features.0.1/first'],
      ...[3, 3, 9, 3].flatMap((count, k) => [
        ...(k === 0 ? [] : [`features.${2 * k}.1`]),
        ...numbered(count, (i) => `features.${2 * k + 1}.${i}`),
      ]),
    ],
    licence: TORCHVISION,
    origin: 'ConvNeXt-Tiny of torchvision, IMAGENET1K_V1: trained on ImageNet',
  },
} as const satisfies Readonly<Record<string, BackboneRow>>;

export type BackboneName = keyof typeof BACKBONES;

export function isBackboneName(name: string): name is BackboneName {
  return Object.hasOwn(BACKBONES, name);
}

/** The row, of whatever kind. */
export const rowOf = (name: BackboneName): BackboneRow => BACKBONES[name];
