/** The networks of scripts/golden/torchvision.py. */
import { readFileSync } from 'node:fs';
import type { StateDict, StoredTensor } from '../../../src/backbone/architectures/state-dict.ts';
import { sizeOf, type Tensor } from '../../../src/onnx/model.ts';
import { formulaValues } from '../../autodiff/golden-values.ts';

export interface Golden {
  readonly seed: number;
  /** Deviation of kernels times the root of their fan-in. */
  readonly gain: number;
  readonly size: number;
  readonly batch: number;
  /** [N, classes], row-major. */
  readonly logits: readonly number[];
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly loss?: number;
  /** The norm, then projections on random signs. */
  readonly gradients?: Readonly<Record<string, readonly number[]>>;
}

export function readGolden(name: string): Golden {
  return JSON.parse(readFileSync(new URL(`../../golden/torchvision/${name}.json`, import.meta.url), 'utf8'));
}

/** Where the values of a tensor lie, as in the script. */
function limits(name: string, dims: readonly number[], gain: number): readonly [low: number, high: number] {
  if (/(class_token|pos_embedding)$/.test(name)) return [-0.5, 0.5];
  if (name.endsWith('layer_scale')) return [0.2, 0.6];
  if (dims.length > 1) {
    const limit = gain * Math.sqrt(3 / sizeOf(dims.slice(1)));
    return [-limit, limit];
  }
  return /(\.bias|_bias|\.running_mean)$/.test(name) ? [-0.3, 0.3] : [0.5, 1.5];
}

/** The weights, made by their formula. */
export function goldenState({ seed, gain, shapes }: Golden): StateDict {
  const tensor = (name: string, dims: readonly number[]): StoredTensor => ({
    dims,
    dtype: 'float32',
    values: () => formulaValues(name, seed, dims, ...limits(name, dims, gain)).data,
  });
  return new Map(Object.entries(shapes).map(([name, dims]) => [name, tensor(name, dims)]));
}

/** The images, [N, 3, size, size]. */
export function goldenImages({ seed, batch, size }: Golden): Tensor {
  return formulaValues('images', seed, [batch, 3, size, size], -2, 2);
}
