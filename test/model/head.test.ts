import { describe, expect, it } from 'vitest';
import { rngOf } from '../../src/core/rng.ts';
import {
  addHead,
  DROPOUT_MASK,
  dropoutMask,
  HEAD_STATISTICS,
  type HeadSpec,
  headParameters,
  initHead,
  LINEAR,
  MLP,
} from '../../src/model/head.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32, sizeOf, type Tensor } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { runnable } from '../../src/train/fixed-batch.ts';

const [N, F, UNITS, CLASSES] = [5, 4, 6, 3];
const HEAD: HeadSpec = { kind: 'mlp', units: UNITS, dropout: 0.25, slope: 0.3 };
const mlpWith = (dropout: number): HeadSpec => ({ kind: 'mlp', units: 1024, dropout, slope: 0.3 });

const random = (name: string, dims: readonly number[], low = -1, high = 1): Tensor => {
  const rng = rngOf(2, name);
  return float32(
    Float32Array.from({ length: sizeOf(dims) }, () => rng.uniform(low, high)),
    dims,
  );
};
const listed = (tensor: Tensor): number[] => Array.from(tensor.data, Number);

/** A head with values of its own everywhere. */
function headWeights(): Map<string, Tensor> {
  const fresh = initHead(HEAD, F, CLASSES, rngOf(1, 'head'));
  return new Map(
    [...fresh].map(([name, { dims }]) => [name, random(name, dims, name.endsWith('variance') ? 0.5 : -1, 1.5)]),
  );
}

/** Logits, and the new statistics in the order mean, variance. */
async function run(
  weights: ReadonlyMap<string, Tensor>,
  mode: 'train' | 'fine-tune' | 'infer',
  x: Tensor,
  mask: Tensor,
): Promise<{ logits: number[]; statistics: number[][] }> {
  const inputs = [
    { name: 'x', dtype: 'float32', dims: [N, F] },
    { name: DROPOUT_MASK, dtype: 'float32', dims: [N, UNITS] },
  ] as const;
  const builder = graphBuilder({ nodes: [], initializers: weights, inputs });
  const { logits, statistics } = addHead(builder, HEAD, 'x', mode);
  const names = [logits, ...HEAD_STATISTICS.flatMap((name) => statistics.get(name) ?? [])];
  const graph = builder.graph(
    inputs,
    names.map((name) => ({ name, dtype: 'float32', dims: [] })),
  );
  const fixed = {
    ...graph,
    outputs: graph.outputs.map((o, i) => ({ ...o, dims: i === 0 ? [N, CLASSES] : [UNITS] })),
  };
  const session = await openSession(runnable(fixed), { threads: 1 });
  const results = await session.run({ x, [DROPOUT_MASK]: mask });
  await session.close();
  const [first, ...rest] = names.map((name) => listed(results[name]!));
  return { logits: first!, statistics: rest };
}

/** The mlp by its definition, in double precision. @param moments mean and variance of the hidden values */
function mlp(
  weights: ReadonlyMap<string, Tensor>,
  x: readonly number[],
  mask: readonly number[],
  moments: (hidden: number[][]) => readonly (readonly [mean: number, variance: number])[],
): { logits: number[]; hidden: number[][] } {
  const w = (name: string): number[] => listed(weights.get(`head/${name}`)!);
  const dense = (rows: number[][], kernel: number[], bias: number[]): number[][] =>
    rows.map((row) => bias.map((b, j) => row.reduce((sum, v, i) => sum + v * kernel[i * bias.length + j]!, b)));
  const rows = Array.from({ length: N }, (_, n) => x.slice(n * F, (n + 1) * F));
  const hidden = dense(rows, w('dense_1/kernel'), w('dense_1/bias'));
  const [gamma, beta, stats] = [w('batch_norm/gamma'), w('batch_norm/beta'), moments(hidden)];
  const active = hidden.map((row, n) =>
    row.map((v, j) => {
      const [mean, variance] = stats[j]!;
      const normed = ((v - mean) / Math.sqrt(variance + 1e-3)) * gamma[j]! + beta[j]!;
      return (normed < 0 ? 0.3 * normed : normed) * mask[n * UNITS + j]!;
    }),
  );
  return { logits: dense(active, w('logits/kernel'), w('logits/bias')).flat(), hidden };
}

/** Mean and variance of each column, the variance over n as BatchNorm normalises with. */
function columnMoments(rows: readonly (readonly number[])[]): [number, number][] {
  return rows[0]!.map((_, j) => {
    const mean = rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length;
    return [mean, rows.reduce((sum, row) => sum + (row[j]! - mean) ** 2, 0) / rows.length];
  });
}

function expectClose(got: readonly number[], expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  for (const [i, e] of expected.entries()) expect(got[i]).toBeCloseTo(e, 4);
}

describe('mlp head', () => {
  const weights = headWeights();
  const x = random('x', [N, F], -2, 2);
  const mask = float32(dropoutMask(N, HEAD, rngOf(3, 'mask'))!, [N, UNITS]);
  const ones = listed(mask).map(() => 1);
  const [oldMean, oldVariance] = HEAD_STATISTICS.map((name) => listed(weights.get(name)!));

  it('in training has the moments of the batch, and moves the running ones by a tenth', async () => {
    const got = await run(weights, 'train', x, mask);
    const { logits, hidden } = mlp(weights, listed(x), listed(mask), columnMoments);
    expectClose(got.logits, logits);
    const moments = columnMoments(hidden);
    expectClose(
      got.statistics[0]!,
      moments.map(([mean], j) => 0.9 * oldMean![j]! + 0.1 * mean),
    );
    expectClose(
      got.statistics[1]!,
      moments.map(([, variance], j) => 0.9 * oldVariance![j]! + 0.1 * variance),
    );
  });

  it.each([
    ['fine-tune', listed(mask)],
    ['infer', ones],
  ] as const)('has its running moments and leaves them alone: %s', async (mode, expectedMask) => {
    const got = await run(weights, mode, x, mask);
    const running = () => oldMean!.map((mean, j) => [mean, oldVariance![j]!] as const);
    expectClose(got.logits, mlp(weights, listed(x), expectedMask, running).logits);
    expect(got.statistics).toEqual([]);
  });

  it('in training is the BatchNormalization of ONNX in training mode', async () => {
    // Its running moments use momentum the same way; its variance is that over n as well.
    const inputs = [{ name: 'x', dtype: 'float32', dims: [N, UNITS] }] as const;
    const hidden = random('hidden', [N, UNITS], -2, 2);
    const builder = graphBuilder({ nodes: [], initializers: weights, inputs });
    const params = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) => `head/batch_norm/${name}`);
    const [y, mean, variance] = builder.addMany('BatchNormalization', ['x', ...params], 3, {
      training_mode: { kind: 'int', value: 1 },
      momentum: { kind: 'float', value: 0.9 },
      epsilon: { kind: 'float', value: 1e-3 },
    });
    const dims = [[N, UNITS], [UNITS], [UNITS]];
    const outputs = [y!, mean!, variance!].map((name, i) => ({ name, dtype: 'float32', dims: dims[i]! }) as const);
    const session = await openSession(runnable(builder.graph(inputs, outputs)), { threads: 1 });
    const results = await session.run({ x: hidden });
    await session.close();
    // The same through our head: an identity as first layer, on features as wide as the hidden layer.
    const identity = float32(
      Float32Array.from({ length: UNITS * UNITS }, (_, i) => (i % (UNITS + 1) === 0 ? 1 : 0)),
      [UNITS, UNITS],
    );
    const own = new Map([
      ...weights,
      ['head/dense_1/kernel', identity] as const,
      ['head/dense_1/bias', float32(new Float32Array(UNITS), [UNITS])] as const,
    ]);
    const headBuilder = graphBuilder({ nodes: [], initializers: own, inputs });
    const { statistics } = addHead(headBuilder, { kind: 'mlp', units: UNITS, dropout: 0, slope: 0.3 }, 'x', 'train');
    const names = HEAD_STATISTICS.map((name) => statistics.get(name)!);
    const graph = headBuilder.graph(
      inputs,
      names.map((name) => ({ name, dtype: 'float32', dims: [UNITS] })),
    );
    const headSession = await openSession(runnable(graph), { threads: 1 });
    const got = await headSession.run({ x: hidden });
    await headSession.close();
    expectClose(listed(got[names[0]!]!), listed(results[mean!]!));
    expectClose(listed(got[names[1]!]!), listed(results[variance!]!));
  });
});

describe('a new head', () => {
  it('has Glorot-uniform kernels that fill their range, and neutral vectors', () => {
    const weights = initHead(MLP, 2048, 7, rngOf(1, 'head'));
    const kernels: [name: string, rows: number, columns: number][] = [
      ['head/dense_1/kernel', 2048, 1024],
      ['head/logits/kernel', 1024, 7],
    ];
    for (const [name, rows, columns] of kernels) {
      const { dims, data } = weights.get(name)!;
      expect(dims).toEqual([rows, columns]);
      const limit = Math.sqrt(6 / (rows + columns));
      let [low, high, square] = [0, 0, 0];
      for (let i = 0; i < data.length; i++) {
        const v = Number(data[i]);
        low = Math.min(low, v);
        high = Math.max(high, v);
        square += v * v;
      }
      expect(low).toBeGreaterThanOrEqual(-limit * 1.000001);
      expect(high).toBeLessThanOrEqual(limit * 1.000001);
      expect(high - low).toBeGreaterThan(1.99 * limit);
      // The variance of a uniform distribution, which Glorot and Bengio ask to be 2 / (rows + columns).
      expect(square / data.length / (2 / (rows + columns))).toBeCloseTo(1, 1);
    }
    const constants: Readonly<Record<string, number>> = {
      'head/dense_1/bias': 0,
      'head/batch_norm/gamma': 1,
      'head/batch_norm/beta': 0,
      'head/batch_norm/moving_mean': 0,
      'head/batch_norm/moving_variance': 1,
      'head/logits/bias': 0,
    };
    for (const [name, value] of Object.entries(constants))
      expect(new Set(listed(weights.get(name)!))).toEqual(new Set([value]));
    expect(new Set([...headParameters(MLP), ...HEAD_STATISTICS])).toEqual(new Set(weights.keys()));
    expect(new Set(headParameters(LINEAR))).toEqual(new Set(initHead(LINEAR, 8, 2, rngOf(1)).keys()));
  });

  it('is the same for the same seed, and another for another', () => {
    const of = (seed: number): Map<string, Tensor> => initHead(HEAD, F, CLASSES, rngOf(seed, 'head'));
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
  });
});

describe('dropout', () => {
  it.each([0.1, 0.25, 0.5])('drops its share and keeps the mean: %s', (dropout) => {
    const mask = dropoutMask(200, mlpWith(dropout), rngOf(4, 'mask'))!;
    expect(mask.length).toBe(200 * 1024);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / (1 - dropout))]));
    const dropped = mask.reduce((n, v) => n + Number(v === 0), 0) / mask.length;
    // 200,000 draws: five standard deviations are below 0.006.
    expect(Math.abs(dropped - dropout)).toBeLessThan(0.006);
    expect(mask.reduce((a, b) => a + b, 0) / mask.length).toBeCloseTo(1, 1);
  });

  it('is none for a linear head, or for a share of 0', () => {
    expect(dropoutMask(4, LINEAR, rngOf(1))).toBeUndefined();
    expect(dropoutMask(4, mlpWith(0), rngOf(1))).toBeUndefined();
  });
});
