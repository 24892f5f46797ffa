import { describe, expect, it } from 'vitest';
import { rngOf } from '../../src/core/rng.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { floatsOfHalves, halvesOfFloats } from '../../src/onnx/half.ts';
import { float32, int } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';

/** All float16 but those that are not a number. */
const bits = Uint16Array.from({ length: 65536 }, (_, i) => i).filter((b) => (b & 0x7fff) <= 0x7c00);

/** onnxruntime's own conversion. */
async function cast(values: Float32Array): Promise<Uint16Array> {
  const b = graphBuilder();
  b.add('Cast', ['x'], { to: int(10) }, { output: 'y' });
  const graph = b.graph([{ name: 'x', dtype: 'float32', dims: ['N'] }], [{ name: 'y', dtype: 'float16', dims: ['N'] }]);
  const model = { graph, opset: 18, domains: {}, irVersion: 8, producer: 'nevus', metadata: {} };
  const session = await openSession(model);
  const { y } = await session.run({ x: float32(values, [values.length]) });
  await session.close();
  return Uint16Array.from(y!.data, Number);
}

describe('float16', () => {
  it('comes back from float32 as it was, every number of it', () => {
    expect(halvesOfFloats(floatsOfHalves(bits))).toEqual(bits);
  });

  it('is not a number where the float32 is not', () => {
    expect(floatsOfHalves(halvesOfFloats(Float32Array.of(Number.NaN)))[0]).toBeNaN();
  });

  it('rounds as onnxruntime does: ties to even, subnormal, overflow', async () => {
    const exact = floatsOfHalves(bits).filter(Number.isFinite).sort();
    const ties = exact.slice(1).map((x, i) => (x + exact[i]!) / 2);
    const rng = rngOf(1, 'half');
    const random = Float32Array.from({ length: 50_000 }, () => rng.uniform(-2, 2) * 2 ** rng.int(-30, 17));
    const around = [
      65503,
      65504,
      65519.99,
      65520,
      65536,
      1e30,
      Number.POSITIVE_INFINITY,
      2 ** -25,
      2 ** -25 * 1.001,
      1e-40,
    ];
    const values = Float32Array.from([...ties, ...random, ...around, ...around.map((v) => -v), 0, -0]);
    expect(halvesOfFloats(values)).toEqual(await cast(values));
  });
});
