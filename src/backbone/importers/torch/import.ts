/** Weights of PyTorch as a backbone. */
import { basename } from 'node:path';
import { UsageError } from '../../../core/errors.ts';
import { sha256 } from '../../../core/hash.ts';
import { extract } from '../../../onnx/passes/extract.ts';
import { buildNetwork } from '../../architectures/build.ts';
import { type Normalisation, pixelsOf } from '../../normalisation.ts';
import type { Backbone } from '../../types.ts';
import { readCheckpoint } from './checkpoint.ts';

export interface TorchOptions {
  /** Name of the network, to be sure: `resnet50`. Default: what names and shapes of the weights show. */
  readonly architecture?: string;
  /** Height and width in pixels. Default: those of the published weights, 224 or 299. */
  readonly size?: number;
  /** How pixels become numbers. Default: that of the published weights, `imagenet` (InceptionV3: `symmetric`). */
  readonly normalisation?: Normalisation;
  /** Attention heads, for transformers of unusual width. Default: one per 64 channels. */
  readonly heads?: number;
  readonly licence?: string;
  /** Where the weights came from and what they were trained on. */
  readonly origin?: string;
}

/**
 * Reads `.pth`, `.pt` or `.safetensors` weights of a torchvision network and writes its graph. Nothing of the file is
 * executed. The classifier is dropped.
 *
 * @throws {UsageError} a file that cannot be read, or an option that contradicts it
 * @throws {ModelError} a file that is no state dict, or weights that are not those of a known network; lists them
 */
export function importTorch(path: string, options: TorchOptions = {}): Backbone {
  const { state, file } = readCheckpoint(path);
  const { size } = options;
  if (size !== undefined && !(Number.isInteger(size) && size >= 1))
    throw new UsageError('backbone/size', `size: expected a whole number of pixels, got ${size}`);
  const network = buildNetwork(state, { ...options, where: path });
  const { model, features, cuts } = network;
  const output = model.graph.outputs.find((o) => o.name === features);
  return {
    name: network.name,
    model: extract(model, { inputs: model.graph.inputs, outputs: [output ?? features] }),
    input: {
      name: 'input',
      size: network.size,
      layout: 'NCHW',
      ...pixelsOf(options.normalisation ?? network.normalisation),
    },
    features,
    cuts,
    licence: options.licence ?? 'unknown: give --licence',
    origin: options.origin ?? `${network.name} from ${basename(path)}: training data not stated in the file`,
    sha256: sha256(file),
  };
}
