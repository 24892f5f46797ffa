import { describe, expect, it } from 'vitest';
import { rngOf } from '../../src/core/rng.ts';
import { addResize, type ResizeForm } from '../../src/features/resize.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32, type Tensor } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';

/** Each pixel of a size is its own number, so that a wrong weight shows: 0 … 255 as pixels are. */
function noise(height: number, width: number): Tensor {
  const rng = rngOf(height, 'noise', width);
  const dims = [2, height, width, 3];
  return float32(
    Float32Array.from({ length: 6 * height * width }, () => Math.floor(rng.uniform(0, 256))),
    dims,
  );
}

async function resized(x: Tensor, size: number, planar: boolean, form: ResizeForm): Promise<Float32Array> {
  const builder = graphBuilder();
  const y = addResize(builder, 'x', size, planar, form);
  const outputDims = planar ? ['N', 3, size, size] : ['N', size, size, 3];
  const session = await openSession(
    {
      graph: builder.graph(
        [{ name: 'x', dtype: 'float32', dims: ['N', 'H', 'W', 3] }],
        [{ name: y, dtype: 'float32', dims: outputDims }],
      ),
      opset: form === 'resize' ? 18 : 17,
      domains: {},
      irVersion: 8,
      producer: 'test',
      metadata: {},
    },
    { threads: 1 },
  );
  const result = (await session.run({ x }))[y]!;
  await session.close();
  return Float32Array.from(result.data, Number);
}

/** One row of the resize by its definition: triangles over the row with its border repeated without end. */
function rowByDefinition(row: readonly number[], size: number): number[] {
  const scale = row.length / size;
  const reach = Math.max(scale, 1);
  return Array.from({ length: size }, (_, j) => {
    const centre = (j + 0.5) * scale - 0.5;
    let sum = 0;
    let weight = 0;
    for (let i = Math.floor(centre - reach); i <= Math.ceil(centre + reach); i++) {
      const w = Math.max(0, 1 - Math.abs(i - centre) / reach);
      sum += w * row[Math.min(row.length - 1, Math.max(0, i))]!;
      weight += w;
    }
    return sum / weight;
  });
}

describe('addResize', () => {
  it.each([
    [32, 32],
    [45, 37],
    [37, 45],
    [7, 300],
    [300, 9],
    [1, 1],
    [2, 3],
    [451, 601],
  ])('gives the same in both forms, %i × %i to 32', async (height, width) => {
    const x = noise(height, width);
    for (const planar of [true, false]) {
      const fast = await resized(x, 32, planar, 'resize');
      const portable = await resized(x, 32, planar, 'matrices');
      // Of 255: float32 rounding of weights and of sums over up to 600 pixels.
      expect(portable).toHaveLength(fast.length);
      expect(portable.reduce((most, v, i) => Math.max(most, Math.abs(v - fast[i]!)), 0)).toBeLessThan(0.02);
    }
  });

  it.each([3, 8, 9, 30, 64])('is what its definition says for a row of %i pixels', async (width) => {
    const row = Array.from({ length: width }, (_, i) => (i * 37) % 256);
    const x = float32(
      row.flatMap((v) => [v, v, v]),
      [1, 1, width, 3],
    );
    const got = await resized(x, 8, true, 'matrices');
    rowByDefinition(row, 8).forEach((value, j) => {
      expect(got[j]).toBeCloseTo(value, 3);
    });
  });
});
