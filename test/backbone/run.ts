import { expect } from 'vitest';
import type { Backbone, InputSpec } from '../../src/backbone/types.ts';
import type { Model, Tensor } from '../../src/onnx/model.ts';
import { float32 } from '../../src/onnx/model.ts';
import { extract } from '../../src/onnx/passes/extract.ts';
import { openSession } from '../../src/onnx/session.ts';

/** x = u8 · scale + offset. @param pixels [N, size, size, 3] RGB */
export function preprocess(spec: InputSpec, pixels: Uint8Array, n: number): Tensor {
  const area = spec.size * spec.size;
  const out = new Float32Array(n * area * 3);
  for (let i = 0; i < n; i++)
    for (let p = 0; p < area; p++)
      for (let k = 0; k < 3; k++) {
        const c = spec.channels === 'RGB' ? k : 2 - k;
        const value = pixels[(i * area + p) * 3 + c]! * spec.scale[k]! + spec.offset[k]!;
        out[spec.layout === 'NCHW' ? (i * 3 + k) * area + p : (i * area + p) * 3 + k] = value;
      }
  const { size } = spec;
  return float32(out, spec.layout === 'NCHW' ? [n, 3, size, size] : [n, size, size, 3]);
}

/** Values of some of the backbone's cut points (or of tensors with known shapes). */
export async function runTensors(
  backbone: Backbone,
  model: Model,
  feed: Tensor,
  tensors: readonly string[],
): Promise<Record<string, Tensor>> {
  const outputs = tensors.map((name) => {
    const cut = backbone.cuts.find((c) => c.tensor === name);
    if (cut === undefined) throw new Error(`no cut ${name}`);
    return { name, dtype: 'float32' as const, dims: ['N', ...cut.dims] };
  });
  const session = await openSession(extract(model, { inputs: model.graph.inputs, outputs }));
  try {
    return await session.run({ [backbone.input.name]: feed });
  } finally {
    await session.close();
  }
}

/** Means over H and W of [N, C, H, W], as one list of N·C. */
export function meanOverImage({ data, dims }: Tensor): number[] {
  const [n, c, h, w] = dims;
  const area = h! * w!;
  return Array.from({ length: n! * c! }, (_, i) => {
    let sum = 0;
    for (let p = 0; p < area; p++) sum += Number(data[i * area + p]);
    return sum / area;
  });
}

/** Largest difference, relative to the largest expected value. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(difference)) return Number.NaN;
    worst = Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return worst / largest;
}

/** Fails unless every value is within `tolerance` of the largest expected one. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(relativeError(actual, expected)).toBeLessThan(tolerance);
}
