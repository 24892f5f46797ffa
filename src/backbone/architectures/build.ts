/** Which network weights are of, and its graph. */
import { ModelError, UsageError } from '../../core/errors.ts';
import type { Model } from '../../onnx/model.ts';
import { inferShapes } from '../../onnx/shapes/infer.ts';
import type { CutPoint } from '../types.ts';
import type { Architecture, BuildOptions, Identity } from './architecture.ts';
import { convnext } from './convnext.ts';
import { densenet } from './densenet.ts';
import { efficientnet } from './efficientnet.ts';
import { inception } from './inception.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { mobilenetV3 } from './mobilenet-v3.ts';
import { newNet } from './net.ts';
import { resnet } from './resnet.ts';
import type { StateDict } from './state-dict.ts';
import { vgg } from './vgg.ts';
import { vit } from './vit.ts';

const ARCHITECTURES: readonly Architecture[] = [
  resnet,
  inception,
  densenet,
  mobilenetV2,
  mobilenetV3,
  efficientnet,
  convnext,
  vit,
  vgg,
];

export interface Detected extends Identity {
  readonly architecture: Architecture;
  /** The weights under today's names. */
  readonly state: StateDict;
}

/**
 * Recognises a network by the names and shapes of its weights.
 *
 * @throws {ModelError} weights of no network that is known; lists the families
 */
export function detectArchitecture(state: StateDict, where = 'weights'): Detected {
  for (const architecture of ARCHITECTURES) {
    const { renamed } = architecture;
    const today = renamed === undefined ? state : new Map([...state].map(([name, tensor]) => [renamed(name), tensor]));
    if (architecture.recognises(today)) return { ...architecture.identify(today), architecture, state: today };
  }
  const names = [...state.keys()];
  throw new ModelError(
    'torch/architecture',
    `${where}: expected weights of ${ARCHITECTURES.map((a) => a.family).join(', ')} with torchvision's names, got ${names.slice(0, 4).join(', ')}${names.length > 4 ? ', …' : ''}`,
    'Export the network itself to ONNX with torch.onnx.export, and give that file.',
  );
}

export interface NetworkOptions extends Partial<BuildOptions> {
  /** The name that is expected, `resnet50`, or a family's. Default: whatever the weights show. */
  readonly architecture?: string;
  /** How messages name the file. */
  readonly where?: string;
}

/** A network with its weights. */
export interface Network {
  /** `resnet50`. */
  readonly name: string;
  readonly family: string;
  /**
   * float32, opset 17: `input` [N, 3, size, size] to the features and, where the classifier's weights are there,
   * `logits` [N, classes]. Normalisations stay nodes of their own; weights keep their names.
   */
  readonly model: Model;
  readonly size: number;
  readonly normalisation: 'imagenet' | 'symmetric';
  /** Tensor of the last spatial map, or of the vector that the classifier reads. */
  readonly features: string;
  readonly cuts: readonly CutPoint[];
}

export const INPUT = 'input';
export const LOGITS = 'logits';

/**
 * The network that weights are of, as ONNX.
 *
 * @throws {ModelError} weights that are missing, have other shapes, or belong to another network
 * @throws {UsageError} an architecture that the weights are not of, or a size that they fix otherwise
 */
export function buildNetwork(weights: StateDict, options: NetworkOptions = {}): Network {
  const where = options.where ?? 'weights';
  const { architecture, state, ...identity } = detectArchitecture(weights, where);
  const asked = options.architecture;
  if (asked !== undefined && asked !== identity.name && asked !== architecture.family)
    throw new UsageError('torch/architecture', `${where}: expected weights of ${asked}, got those of ${identity.name}`);
  const size = options.size ?? identity.size;
  if (identity.fixedSize === true && size !== identity.size)
    throw new UsageError('torch/size', `${where}: expected size ${identity.size}, which the weights fix, got ${size}`);

  const net = newNet(state);
  const heads = options.heads === undefined ? {} : { heads: options.heads };
  const { features, logits } = architecture.build(net, { name: INPUT, channels: 3 }, { size, ...heads });
  net.finish(identity.name, where);
  const image = { name: INPUT, dtype: 'float32', dims: ['N', 3, size, size] } as const;
  const { infos } = inferShapes(net.builder.graph([image], []), { [INPUT]: [1, 3, size, size] });
  const dimsOf = (tensor: string): readonly number[] => infos.get(tensor)?.dims.slice(1) ?? [];
  const outputs = [features, ...(logits === undefined ? [] : [logits])].map(({ name }) => ({
    name,
    dtype: 'float32' as const,
    dims: ['N', ...dimsOf(name)],
  }));
  return {
    name: identity.name,
    family: architecture.family,
    model: {
      graph: net.builder.graph([image], outputs),
      opset: 17,
      domains: {},
      irVersion: 8,
      producer: 'nevus',
      metadata: {},
    },
    size,
    normalisation: architecture.normalisation ?? 'imagenet',
    features: features.name,
    cuts: [INPUT, ...net.cuts].map((tensor) => ({ name: tensor, tensor, dims: dimsOf(tensor) })),
  };
}
