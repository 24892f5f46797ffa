import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendGradients } from '../../src/autodiff/append-gradients.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32, int64 } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { addLoss, type LossSpec } from '../../src/optim/losses.ts';
import { runnable } from '../../src/train/fixed-batch.ts';
import { golden } from './golden.ts';

const CLASSES = 5;
const crossEntropy = (labelSmoothing = 0): LossSpec => ({ kind: 'cross-entropy', labelSmoothing });
const focal = (gamma: number): LossSpec => ({ kind: 'focal', gamma });

interface Rows {
  /** [N, CLASSES] */
  readonly logits: readonly number[];
  readonly targets: readonly number[];
  readonly weights: readonly number[];
}

/** The loss and its gradient by the logits. */
async function lossOf(
  { logits, targets, weights }: Rows,
  spec: LossSpec,
): Promise<{ loss: number; gradient: number[] }> {
  const n = targets.length;
  const inputs = [
    { name: 'logits', dtype: 'float32', dims: [n, CLASSES] },
    { name: 'targets', dtype: 'int64', dims: [n] },
    { name: 'weights', dtype: 'float32', dims: [n] },
  ] as const;
  const forward = graphBuilder({ nodes: [], initializers: new Map(), inputs });
  const loss = addLoss(forward, { logits: 'logits', targets: 'targets', weights: 'weights' }, CLASSES, spec);
  const { builder, gradients } = appendGradients(forward.graph(inputs, []), { loss, wrt: ['logits'] });
  const gradient = gradients.get('logits')!;
  const outputs = [
    { name: loss, dtype: 'float32', dims: [] },
    { name: gradient, dtype: 'float32', dims: [n, CLASSES] },
  ] as const;
  const session = await openSession(runnable(builder.graph(inputs, outputs)), { threads: 1 });
  const results = await session.run({
    logits: float32(logits, [n, CLASSES]),
    targets: int64(targets),
    weights: float32(weights, [n]),
  });
  await session.close();
  expect(results[loss]!.dims).toEqual([]);
  return { loss: Number(results[loss]!.data[0]), gradient: Array.from(results[gradient]!.data, Number) };
}

function expectClose(got: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(got.length).toBe(expected.length);
  for (const [i, e] of expected.entries()) {
    // Written so that NaN fails.
    if (!(Math.abs(got[i]! - e) <= tolerance)) expect.fail(`[${i}]: expected ${e} within ${tolerance}, got ${got[i]}`);
  }
}

describe('losses of PyTorch', () => {
  const index = [0, 1, 2, 3, 4, 5];
  const rows: Rows = {
    // Row i, class c: 4 sin(1 + 3i + 7c); row 0 is very sure of its class.
    logits: index.flatMap((i) =>
      i === 0 ? [60, 0, -60, 0, 0] : [0, 1, 2, 3, 4].map((c) => 4 * Math.sin(1 + 3 * i + 7 * c)),
    ),
    targets: [0, 1, 2, 3, 4, 1],
    weights: [1, 0.5, 2, 0.25, 3, 0.75],
  };
  const cases = [
    ...Object.entries(golden.losses['cross-entropy']).map(
      ([s, g]) => ['smoothing', s, crossEntropy(Number(s)), g] as const,
    ),
    ...Object.entries(golden.losses.focal).map(([gamma, g]) => ['γ', gamma, focal(Number(gamma)), g] as const),
  ];
  it.each(cases)('%s %s', async (_, __, spec, expected) => {
    const { loss, gradient } = await lossOf(rows, spec);
    expectClose([loss], [expected.loss], 2e-6 * expected.loss);
    expectClose(gradient, expected.gradient, 1e-6);
  });
});

describe('identities', () => {
  const row = fc.record({
    logits: fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: CLASSES, maxLength: CLASSES }),
    target: fc.nat(CLASSES - 1),
    weight: fc.float({ min: Math.fround(0.125), max: 8, noNaN: true }),
  });
  const batch = fc.array(row, { minLength: 1, maxLength: 6 }).map(
    (list): Rows => ({
      logits: list.flatMap((r) => r.logits),
      targets: list.map((r) => r.target),
      weights: list.map((r) => r.weight),
    }),
  );
  const spec = fc.oneof(fc.constantFrom(0, 0.1, 0.5).map(crossEntropy), fc.constantFrom(0, 0.5, 1, 2, 3.5).map(focal));

  it('focal loss with γ = 0 is cross-entropy', () =>
    fc.assert(
      fc.asyncProperty(batch, async (rows) => {
        const [a, b] = [await lossOf(rows, focal(0)), await lossOf(rows, crossEntropy())];
        expect(a).toEqual(b);
      }),
      { numRuns: 15 },
    ));

  it('rows of weight 0 do not matter, and have no gradient', () =>
    fc.assert(
      fc.asyncProperty(batch, row, spec, async (rows, extra, s) => {
        const alone = await lossOf(rows, s);
        const padded = await lossOf(
          {
            logits: [...rows.logits, ...extra.logits],
            targets: [...rows.targets, extra.target],
            weights: [...rows.weights, 0],
          },
          s,
        );
        expectClose([padded.loss], [alone.loss], 1e-5 * Math.max(1, alone.loss));
        expectClose(padded.gradient, [...alone.gradient, ...extra.logits.map(() => 0)], 1e-5);
      }),
      { numRuns: 25 },
    ));

  it('only ratios of weights matter, and a gradient sums to 0 over classes', () =>
    fc.assert(
      fc.asyncProperty(batch, spec, async (rows, s) => {
        const once = await lossOf(rows, s);
        const tripled = await lossOf({ ...rows, weights: rows.weights.map((w) => 3 * w) }, s);
        expectClose([tripled.loss], [once.loss], 1e-5 * Math.max(1, once.loss));
        rows.targets.forEach((_, i) => {
          const own = once.gradient.slice(i * CLASSES, (i + 1) * CLASSES);
          expectClose([own.reduce((a, b) => a + b, 0)], [0], 1e-5);
        });
      }),
      { numRuns: 25 },
    ));

  it('of uniform logits cross-entropy is log C, whatever the smoothing', async () => {
    for (const s of [0, 0.1, 0.9]) {
      const { loss } = await lossOf({ logits: [2, 2, 2, 2, 2], targets: [3], weights: [0.2] }, crossEntropy(s));
      expect(loss).toBeCloseTo(Math.log(CLASSES), 5);
    }
  });

  it('a very wrong row stays finite', async () => {
    for (const s of [crossEntropy(), crossEntropy(0.1), focal(0.5), focal(2)]) {
      const { loss, gradient } = await lossOf({ logits: [-200, 200, 0, 0, 0], targets: [0], weights: [1] }, s);
      expect(loss).toBeGreaterThan(300);
      for (const g of gradient) expect(Number.isFinite(g)).toBe(true);
    }
  });
});
