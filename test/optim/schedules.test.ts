import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constant, cosine, FRESH_PLATEAU, oneCycle, stepDecay, watchPlateau } from '../../src/optim/schedules.ts';
import { golden } from './golden.ts';

/** What the watcher says of each value in turn. */
function watch(values: readonly number[], patience: number, minDelta?: number) {
  let state = FRESH_PLATEAU;
  return values.map((value) => {
    const seen = watchPlateau(state, value, { patience, ...(minDelta === undefined ? {} : { minDelta }) });
    state = seen.state;
    return seen;
  });
}

describe('one cycle', () => {
  it.each([
    ['10', 10, {}],
    ['100', 100, {}],
    ['options', 37, { warm: 0.25, startDiv: 10, endDiv: 100 }],
  ])("is PyTorch's OneCycleLR: %s", (name, steps, options) => {
    const expected = golden.oneCycle[name]!;
    expect(expected.length).toBe(steps);
    for (const [step, rate] of expected.entries()) expect(oneCycle(step, steps, options)).toBeCloseTo(rate, 10);
  });

  it('rises, then falls, and stays above 0 and at most 1, however few steps there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (steps) => {
        const rates = Array.from({ length: steps }, (_, step) => oneCycle(step, steps));
        const top = rates.indexOf(Math.max(...rates));
        for (const [i, rate] of rates.entries()) {
          expect(rate).toBeGreaterThan(0);
          expect(rate).toBeLessThanOrEqual(1);
          if (i > 0) expect(Math.sign(rate - rates[i - 1]!)).toBe(i <= top ? 1 : -1);
        }
        if (steps > 2) expect(rates.at(-1)).toBeCloseTo(1 / 250_000, 12);
      }),
    );
  });
});

describe('cosine', () => {
  it("is PyTorch's CosineAnnealingLR without a rise", () => {
    for (const [step, rate] of golden.cosine[12].entries()) expect(cosine(step, 12)).toBeCloseTo(rate, 10);
    for (const [step, rate] of golden.cosine.end.entries())
      expect(cosine(step, 30, { end: 0.1 })).toBeCloseTo(rate, 10);
  });

  it('rises in a straight line to 1, then falls', () => {
    const rates = Array.from({ length: 20 }, (_, step) => cosine(step, 20, { warm: 0.25 }));
    for (const [i, rate] of rates.slice(0, 6).entries()) expect(rate).toBeCloseTo((i + 1) / 6, 12);
    for (const i of rates.keys()) if (i > 5) expect(rates[i]!).toBeLessThan(rates[i - 1]!);
    expect(rates.slice(5)).toEqual(Array.from({ length: 15 }, (_, step) => cosine(step, 15)));
  });

  it('stays above 0 and at most 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.double({ min: 0, max: 0.99, noNaN: true }), (steps, warm) => {
        for (let step = 0; step < steps; step++) {
          expect(cosine(step, steps, { warm })).toBeGreaterThan(0);
          expect(cosine(step, steps, { warm })).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

describe('steps', () => {
  it("are PyTorch's StepLR, and constant where the factor is 1", () => {
    for (const [step, rate] of golden.step.entries())
      expect(stepDecay(step, { every: 4, factor: 0.3 })).toBeCloseTo(rate, 10);
    for (let step = 0; step < 20; step++) expect(stepDecay(step, { every: 3, factor: 1 })).toBe(constant());
  });
});

describe('plateau', () => {
  it.each(golden.plateaus)('is ReduceLROnPlateau with patience $patience', ({ patience, values, plateau }) => {
    expect(watch(values, patience).map((s) => s.plateau)).toEqual(plateau);
  });

  it('reports after `patience` epochs in a row, then counts again', () => {
    const seen = watch([1, 1, 1, 1, 1, 0.5, 0.5, 0.4, 0.4, 0.4], 2);
    expect(seen.map((s) => s.plateau)).toEqual([false, false, true, false, true, false, false, false, false, true]);
    expect(seen.map((s) => s.improved)).toEqual([true, false, false, false, false, true, false, true, false, false]);
  });

  it('a fall of less than minDelta does not count, and does not move the best', () => {
    const seen = watch([1, 0.9995, 0.9991, 0.998], 2, 1e-3);
    expect(seen.map((s) => s.improved)).toEqual([true, false, false, true]);
    expect(seen.map((s) => s.plateau)).toEqual([false, false, true, false]);
    expect(seen[2]!.state.best).toBe(1);
  });

  it('a value that is not a number is no improvement', () => {
    expect(watch([Number.NaN, Number.NaN, 1], 2).map((s) => [s.improved, s.plateau])).toEqual([
      [false, false],
      [false, true],
      [true, false],
    ]);
  });
});
