import { describe, expect, it } from 'vitest';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32, scalar } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { ADAMW, addUpdate, corrections, type OptimizerSpec, SGD, stateNames } from '../../src/optim/optimizers.ts';
import { runnable } from '../../src/train/fixed-batch.ts';
import { golden } from './golden.ts';

const START = [0.5, -1, 2, 0, -0.25, 1.5];
const N = START.length;

/** Weights after each step, as scripts/golden/optim.py makes them. */
async function weightsAfter(spec: OptimizerSpec, decay: boolean, steps: number): Promise<number[][]> {
  const states = stateNames(spec);
  const vectors = ['w', 'g', ...states].map((name) => ({ name, dtype: 'float32', dims: [N] }) as const);
  const scalars = ['lr', 'c1', 'c2'].map((name) => ({ name, dtype: 'float32', dims: [] }) as const);
  const inputs = [...vectors, ...scalars];
  const builder = graphBuilder({ nodes: [], initializers: new Map(), inputs });
  const updated = addUpdate(
    builder,
    spec,
    { w: 'w', g: 'g', states, decay },
    { lr: 'lr', correction1: 'c1', correction2: 'c2' },
  );
  expect(updated.states.length).toBe(states.length);
  const outputs = [updated.weight, ...updated.states].map((name) => ({ name, dtype: 'float32', dims: [N] }) as const);
  const session = await openSession(runnable(builder.graph(inputs, outputs)), { threads: 1 });
  let current = [START, ...states.map(() => START.map(() => 0))];
  const out: number[][] = [];
  for (let t = 0; t < steps; t++) {
    const [c1, c2] = corrections(spec, t + 1);
    const g = START.map((_, i) => Math.cos(2 * i + 5 * t) * 10 ** ((i % 3) - 2));
    const feeds = Object.fromEntries(['w', ...states].map((name, k) => [name, float32(current[k]!, [N])]));
    const results = await session.run({
      ...feeds,
      g: float32(g, [N]),
      lr: scalar(0.1 / (t + 1)),
      c1: scalar(c1),
      c2: scalar(c2),
    });
    current = outputs.map(({ name }) => Array.from(results[name]!.data, Number));
    out.push(current[0]!);
  }
  await session.close();
  return out;
}

describe('five steps of PyTorch, with a rate that changes', () => {
  const cases: readonly (readonly [string, OptimizerSpec])[] = [
    ['sgd', { ...SGD, weightDecay: 0 }],
    ['sgd, decay', { ...SGD, weightDecay: 0.1 }],
    ['adamw', { ...ADAMW, weightDecay: 0 }],
    ['adamw, decay', { ...ADAMW, weightDecay: 0.1 }],
  ];
  it.each(cases)('%s', async (name, spec) => {
    const expected = golden.optimizers[name]!;
    const got = await weightsAfter(spec, true, expected.length);
    for (const [t, weights] of expected.entries())
      for (const [i, w] of weights.entries())
        if (!(Math.abs(got[t]![i]! - w) <= 1e-6))
          expect.fail(`step ${t + 1}, weight ${i}: expected ${w}, got ${got[t]![i]}`);
  });

  it('decay is left out where it is not asked for', async () => {
    for (const spec of [SGD, ADAMW]) {
      expect(await weightsAfter({ ...spec, weightDecay: 0.1 }, false, 3)).toEqual(
        await weightsAfter({ ...spec, weightDecay: 0 }, true, 3),
      );
    }
  });
});
