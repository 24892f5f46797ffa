/** The networks of Keras applications whose weights are known by the names of their layers, one row each. */
import { UsageError } from '../../../../core/errors.ts';
import { cutName } from '../../../cuts.ts';
import type { Normalisation } from '../../../normalisation.ts';
import { inceptionV3 } from './inception-v3.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { earlierName, resnet50 } from './resnet50.ts';
import { squeezenet } from './squeezenet.ts';
import { vgg } from './vgg.ts';
import type { KerasNetwork } from './writer.ts';
import { xception } from './xception.ts';

export interface Application {
  readonly title: string;
  /** Height and width in pixels. */
  readonly size: number;
  /** What its `preprocess_input` does to pixels. */
  readonly normalisation: Normalisation;
  /** Layer of the last spatial map. */
  readonly features: string;
  /** Short name of a cut at a tensor, or undefined where cutting is of no use. */
  readonly cutName: (tensor: string, index: number) => string | undefined;
  /** Versions that Keras has had. The first whose layers a file has is meant. */
  readonly versions: readonly Version[];
}

export interface Version {
  /** @param listed every layer that the file lists, with weights or without */
  readonly network: (size: number, listed: ReadonlySet<string>) => KerasNetwork;
  /** What a layer is called in the file. */
  readonly storedName: (layer: string) => string;
}

const same = (layer: string): string => layer;
const only = (network: (size: number) => KerasNetwork): readonly Version[] => [{ network, storedName: same }];

const VGG = { size: 224, normalisation: 'caffe', features: 'block5_pool', cutName } as const;

export const APPLICATIONS = {
  resnet50: {
    title: 'ResNet50',
    size: 224,
    normalisation: 'caffe',
    features: 'conv5_block3_out',
    // Not between the sum that ends a block and its activation.
    cutName: (tensor, index) => (tensor.endsWith('_add') ? undefined : cutName(tensor, index)),
    versions: [
      { network: (size) => resnet50(size, { epsilon: 1.001e-5, padPool: true }), storedName: same },
      {
        network: (size, listed) => resnet50(size, { epsilon: 1e-3, padPool: listed.has('pool1_pad') }),
        storedName: earlierName,
      },
    ],
  },
  xception: {
    title: 'Xception',
    size: 299,
    normalisation: 'symmetric',
    features: 'block14_sepconv2_act',
    cutName: (tensor, index) => {
      // The sum that ends block 2 is the first.
      const sum = /^add_(\d+)$/.exec(tensor)?.[1];
      return sum === undefined ? cutName(tensor, index) : `block${Number(sum) + 1}`;
    },
    versions: only(xception),
  },
  vgg16: { ...VGG, title: 'VGG16', versions: only((size) => vgg(size, [2, 2, 3, 3, 3])) },
  vgg19: { ...VGG, title: 'VGG19', versions: only((size) => vgg(size, [2, 2, 4, 4, 4])) },
  inception_v3: {
    title: 'InceptionV3',
    size: 299,
    normalisation: 'symmetric',
    features: 'mixed10',
    cutName: (tensor, index) => (/^mixed\d+$/.test(tensor) ? tensor : `stem_${index}`),
    versions: only(inceptionV3),
  },
  mobilenet_v2: {
    title: 'MobileNetV2 1.0',
    size: 224,
    normalisation: 'symmetric',
    features: 'out_relu',
    cutName: (tensor) => {
      if (tensor === 'Conv1_relu') return 'stem';
      if (tensor === 'expanded_conv_project_BN') return 'block_0';
      if (tensor === 'out_relu') return 'out';
      return /^(block_\d+)_(?:add|project_BN)$/.exec(tensor)?.[1];
    },
    versions: only(mobilenetV2),
  },
  squeezenet: {
    title: 'SqueezeNet 1.1',
    size: 227,
    normalisation: 'caffe',
    features: 'fire9/concat',
    cutName: (tensor, index) => {
      const [, fire, squeeze] = /^(fire\d)\/(?:concat|relu_(squeeze)1x1)$/.exec(tensor) ?? [];
      return fire === undefined ? cutName(tensor, index) : squeeze === undefined ? fire : `${fire}_${squeeze}`;
    },
    versions: only(squeezenet),
  },
} as const satisfies Readonly<Record<string, Application>>;

export type ApplicationName = keyof typeof APPLICATIONS;

export const APPLICATION_NAMES: readonly ApplicationName[] = Object.keys(APPLICATIONS).filter(isApplicationName);

function isApplicationName(name: string): name is ApplicationName {
  return Object.hasOwn(APPLICATIONS, name);
}

/** The name, if one was given. @throws {UsageError} one that is not known */
export function applicationName(name: string | undefined): ApplicationName | undefined {
  if (name === undefined || isApplicationName(name)) return name;
  throw new UsageError(
    'keras/architecture',
    `architecture: expected one of ${APPLICATION_NAMES.join(', ')}, got ${name}`,
  );
}
