import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cases, fitPower, fitSum, sizesOf } from '../../src/autodiff/free-dims/fit.ts';
import { differentiate } from '../../src/autodiff/index.ts';
import { int, int64, type Tensor } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { drafting, info, meanSquare, modelOf, random } from './networks.ts';

const CASES: readonly Cases[] = [
  { low: [5], high: [7], checks: [[11]] },
  { low: [5, 13], high: [7, 17], checks: [[11, 19]] },
  { low: [5, 13, 23], high: [7, 17, 29], checks: [[11, 19, 31]] },
];

describe('numbers that follow from sizes', () => {
  it('are found again where they are sums of products', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CASES), fc.array(fc.integer({ min: -999, max: 999 })), (cases, factors) => {
        const terms = factors
          .slice(0, 2 ** cases.low.length)
          .map((factor, sizes) => ({ factor, sizes }))
          .filter(({ factor }) => factor !== 0);
        const values = sizesOf(cases).map((at) =>
          terms.reduce((sum, t) => sum + at.reduce((p, s, i) => ((t.sizes >> i) & 1 ? p * s : p), t.factor), 0),
        );
        expect(fitSum(values, cases)).toEqual(terms);
      }),
    );
  });

  it('are found again where they are powers', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CASES),
        fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 3, maxLength: 3 }),
        fc.constantFrom(1, -0.5, 1 / 49, 1 / 150_528),
        (cases, halves, factor) => {
          const powers = cases.low.map((_, i) => halves[i]! / 2);
          const values = sizesOf(cases).map((at) => Math.fround(at.reduce((p, s, i) => p * s ** powers[i]!, factor)));
          const fitted = fitPower(values, cases);
          expect(fitted?.powers.map((p) => p + 0)).toEqual(powers.map((p) => p + 0));
          expect(fitted!.factor / factor).toBeCloseTo(1, 5);
        },
      ),
    );
  });

  it('are not made up where they are neither', () => {
    for (const cases of CASES) {
      const at = sizesOf(cases);
      expect(
        fitSum(
          at.map(([n]) => n! ** 2),
          cases,
        ),
      ).toBeUndefined();
      expect(
        fitSum(
          at.map(([n]) => Math.floor((n! + 1) / 2)),
          cases,
        ),
      ).toBeUndefined();
      expect(
        fitPower(
          at.map(([n]) => 1 / (n! + 1)),
          cases,
        ),
      ).toBeUndefined();
      expect(
        fitPower(
          at.map(() => 0),
          cases,
        ),
      ).toBeUndefined();
    }
  });
});

describe('graphs over free sizes', () => {
  it('where rules write other nodes for large tensors than for small ones', async () => {
    // Zeros of 2000 · N elements: a constant up to 16384 of them, made when the graph runs above.
    for (const width of [300, 2000, 12_000]) {
      const inputs = [info('x', ['N', width])];
      const { b } = drafting(inputs);
      meanSquare(b, b.add('Gather', ['x', b.constant(int64([3, 1, 3]))], { axis: int(1) }));
      const model = modelOf(b.graph(inputs, [info('loss', [])]));
      const [free, fixed] = [{}, { batch: 3 }].map((o) => differentiate(model, { loss: 'loss', wrt: ['x'], ...o }));
      const x = random(`x${width}`, [3, width]);
      const results: Tensor[] = [];
      for (const one of [free!, fixed!]) {
        const session = await openSession(one, { threads: 1 });
        results.push((await session.run({ x }))['grad:x']!);
        await session.close();
      }
      expect(results[0]!.dims).toEqual(results[1]!.dims);
      for (const [i, v] of results[0]!.data.entries()) expect(Number(v)).toBeCloseTo(Number(results[1]!.data[i]), 6);
      expect(Number(results[0]!.data[3])).toBeCloseTo((4 * Number(x.data[3])) / 9, 5);
    }
  });

  it('of an input whose sizes are all free', async () => {
    const inputs = [info('x', ['N', 'A', 'B']), info('row', ['B'])];
    const { b } = drafting(inputs);
    const scaled = b.add('Softmax', [b.add('Mul', ['x', 'row'])], { axis: int(-1) });
    meanSquare(b, b.add('Sub', [scaled, b.add('ReduceMean', ['x'], { keepdims: int(0) })]));
    const model = modelOf(b.graph(inputs, [info('loss', [])]));
    const free = await openSession(differentiate(model, { loss: 'loss', wrt: 'all-inputs' }), { threads: 1 });
    for (const dims of [
      [2, 3, 4],
      [1, 1, 5],
      [7, 2, 1],
    ]) {
      const feeds = { x: random(`${dims}`, dims), row: random('row', dims.slice(2)) };
      const inputShapes = { x: dims };
      const fixed = await openSession(differentiate(model, { loss: 'loss', wrt: 'all-inputs', inputShapes }), {
        threads: 1,
      });
      const [a, e] = [await free.run(feeds), await fixed.run(feeds)];
      for (const [name, { data }] of Object.entries(e))
        for (const [i, v] of data.entries()) expect(Number(a[name]!.data[i])).toBeCloseTo(Number(v), 6);
      await fixed.close();
    }
    await free.close();
  });
});
