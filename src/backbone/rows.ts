/** The backbones that are known by name, one row each. */
import type { NpmPackage } from './sources/npm.ts';
import type { InputSpec } from './types.ts';

/** A Keras network inside a package of the npm registry, saved as script modules. */
export interface NpmKerasSource extends NpmPackage {
  /** Path of the topology inside the package; the weight files lie beside it. */
  readonly model: string;
  readonly shards: readonly string[];
}

export interface BackboneRow {
  readonly source: NpmKerasSource;
  /** Height and width in pixels. */
  readonly size: number;
  readonly pixels: Pick<InputSpec, 'channels' | 'scale' | 'offset'>;
  /** Tensor of the last spatial map. */
  readonly features: string;
  /** Short name of a cut at a tensor, or undefined where cutting is of no use. */
  readonly cutName: (tensor: string, index: number) => string | undefined;
  readonly licence: string;
  readonly origin: string;
}

const NSFWJS: NpmPackage = {
  name: 'nsfwjs',
  version: '4.4.0',
  integrity: 'sha512-krC1fgeTLXtZwgdpKJ0jm7hqv0gTSRQQRL+FhOaxaJ9Wj92t42BO3csO2odwgTAgZgf2RvkwPtp0R8Aa7dc+MA==',
};

function nsfwjs(folder: string, shards: number): NpmKerasSource {
  const path = (file: string): string => `dist/models/${folder}/${file}.min.js`;
  return {
    ...NSFWJS,
    model: path('model'),
    shards: Array.from({ length: shards }, (_, i) => path(`group1-shard${i + 1}of${shards}`)),
  };
}

/** RGB / 255. */
const UNIT: BackboneRow['pixels'] = {
  channels: 'RGB',
  scale: [1 / 255, 1 / 255, 1 / 255],
  offset: [0, 0, 0],
};
const LICENCE = 'MIT (npm package nsfwjs 4.4.0, Copyright 2019 Infinite Red, Inc.)';
const ORIGIN = 'ImageNet-derived, fine-tuned for another task (content moderation); weights stored in 8 bits';

export const BACKBONES = {
  /** Szegedy et al. 2015, arXiv:1512.00567: 21.8 M parameters, 2048 features. */
  inception_v3: {
    source: nsfwjs('inception_v3', 6),
    size: 299,
    pixels: UNIT,
    features: 'mixed10',
    cutName: (tensor, index) => (/^mixed\d+$/.test(tensor) ? tensor : `stem_${index}`),
    licence: LICENCE,
    origin: `InceptionV3: ${ORIGIN}`,
  },
  /** Sandler et al. 2018, arXiv:1801.04381: width 1.0, 2.3 M parameters, 1280 features. */
  mobilenet_v2: {
    source: nsfwjs('mobilenet_v2', 1),
    size: 224,
    pixels: UNIT,
    features: 'out_relu',
    cutName: (tensor) => {
      if (tensor === 'Conv1_relu') return 'stem';
      if (tensor === 'expanded_conv_project_BN') return 'block_0';
      if (tensor === 'out_relu') return 'out';
      return /^(block_\d+)_(?:add|project_BN)$/.exec(tensor)?.[1];
    },
    licence: LICENCE,
    origin: `MobileNetV2 1.0: ${ORIGIN}`,
  },
} as const satisfies Readonly<Record<string, BackboneRow>>;

export type BackboneName = keyof typeof BACKBONES;

export function isBackboneName(name: string): name is BackboneName {
  return Object.hasOwn(BACKBONES, name);
}
