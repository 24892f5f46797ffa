import { describe, expect, it } from 'vitest';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32, scalar } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import {
  ADAM,
  ADAMW,
  addAverage,
  addUpdate,
  averageDecay,
  corrections,
  type OptimizerSpec,
  SGD,
  stateNames,
} from '../../src/optim/optimizers.ts';
import { runnable } from '../../src/train/fixed-batch.ts';
import { golden } from './golden.ts';

const START = [0.5, -1, 2, 0, -0.25, 1.5];
const N = START.length;

/** Weights after each step, as scripts/golden/optim.py makes them. */
async function weightsAfter(spec: OptimizerSpec, steps: number): Promise<number[][]> {
  const states = stateNames(spec);
  const vectors = ['w', 'g', ...states].map((name) => ({ name, dtype: 'float32', dims: [N] }) as const);
  const scalars = ['lr', 'c1', 'c2'].map((name) => ({ name, dtype: 'float32', dims: [] }) as const);
  const inputs = [...vectors, ...scalars];
  const builder = graphBuilder({ nodes: [], initializers: new Map(), inputs });
  const updated = addUpdate(
    builder,
    spec,
    { w: 'w', g: 'g', states, decay: spec.weightDecay },
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
    ['nesterov', { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0 }],
    ['nesterov, decay', { kind: 'sgd', momentum: 0.8, nesterov: true, weightDecay: 0.1 }],
    ['adam', ADAM],
    ['adam, decay', { kind: 'adam', beta1: 0.8, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 }],
    ['adamw', { ...ADAMW, weightDecay: 0 }],
    ['adamw, decay', { ...ADAMW, weightDecay: 0.1 }],
  ];
  it.each(cases)('%s', async (name, spec) => {
    const expected = golden.optimizers[name]!;
    const got = await weightsAfter(spec, expected.length);
    for (const [t, weights] of expected.entries())
      for (const [i, w] of weights.entries())
        if (!(Math.abs(got[t]![i]! - w) <= 1e-6))
          expect.fail(`step ${t + 1}, weight ${i}: expected ${w}, got ${got[t]![i]}`);
  });

  it('identities: without momentum Nesterov is plain, and without decay Adam is AdamW', async () => {
    const plain = { kind: 'sgd', momentum: 0, weightDecay: 0.1 } as const;
    expect(await weightsAfter({ ...plain, nesterov: true }, 3)).toEqual(await weightsAfter(plain, 3));
    expect(await weightsAfter({ ...ADAM, weightDecay: 0 }, 3)).toEqual(
      await weightsAfter({ ...ADAMW, weightDecay: 0 }, 3),
    );
  });
});

describe('the average of weights', () => {
  it('moves towards the weight by 1 − d', async () => {
    const inputs = ['average', 'weight'].map((name) => ({ name, dtype: 'float32', dims: [2] }) as const);
    const builder = graphBuilder({ nodes: [], initializers: new Map(), inputs });
    const out = addAverage(builder, { average: 'average', weight: 'weight', decay: builder.scalar(0.75) });
    const graph = builder.graph(inputs, [{ name: out, dtype: 'float32', dims: [2] }]);
    const session = await openSession(runnable(graph), { threads: 1 });
    const results = await session.run({ average: float32([1, -2], [2]), weight: float32([3, -2], [2]) });
    await session.close();
    expect([...results[out]!.data]).toEqual([1.5, -2]);
  });

  it('forgets its start while there were few steps', () => {
    expect(averageDecay(0.999, 1)).toBeCloseTo(2 / 11, 12);
    expect(averageDecay(0.999, 1e6)).toBe(0.999);
    expect(averageDecay(0, 5)).toBe(0);
    for (let t = 1; t < 100; t++) expect(averageDecay(0.9, t + 1)).toBeGreaterThanOrEqual(averageDecay(0.9, t));
  });
});
