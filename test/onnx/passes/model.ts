import { rngOf } from '../../../src/core/rng.ts';
import { type GraphBuilder, graphBuilder } from '../../../src/onnx/builder.ts';
import { type Dim, float32, type Model, sizeOf, type Tensor } from '../../../src/onnx/model.ts';
import { openSession } from '../../../src/onnx/session.ts';

/** A model with one input `x`. @param build adds nodes and returns the outputs with their shapes */
export function modelOf(
  dims: readonly Dim[],
  build: (b: GraphBuilder) => Readonly<Record<string, readonly Dim[]>>,
): Model {
  const b = graphBuilder();
  const outputs = Object.entries(build(b)).map(([name, d]) => ({ name, dtype: 'float32' as const, dims: d }));
  const graph = b.graph([{ name: 'x', dtype: 'float32', dims }], outputs);
  return { graph, opset: 17, domains: {}, irVersion: 8, producer: 'test', metadata: { kept: 'yes' } };
}

export function random(seed: number, dims: readonly number[], positive = false): Tensor {
  const rng = rngOf(seed, 'tensor');
  const draw = (): number => (positive ? Math.abs(rng.normal()) + 0.1 : rng.normal());
  return float32(Float32Array.from({ length: sizeOf(dims) }, draw), dims);
}

export async function run(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, number[]>> {
  const session = await openSession(model, { optimization: 'disabled' });
  const results = await session.run(feeds);
  await session.close();
  return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, Array.from(t.data, Number)]));
}

export function expectNear(
  actual: readonly number[] | undefined,
  expected: readonly number[] | undefined,
  tolerance = 1e-5,
): void {
  if (actual === undefined || actual.length !== expected?.length) throw new Error('lengths differ');
  const scale = Math.max(...expected.map(Math.abs), 1e-6);
  actual.forEach((v, i) => {
    if (!(Math.abs(v - expected[i]!) <= tolerance * scale))
      throw new Error(`at ${i}: expected ${expected[i]}, got ${v}`);
  });
}
