import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, NumericError, ShapeError } from '../../../src/core/errors.ts';
import { rngOf } from '../../../src/core/rng.ts';
import { decideRows } from '../../../src/evaluate/argmax.ts';
import { fitTemperature, probabilitiesAt, type ViewedLogits } from '../../../src/evaluate/calibrate/temperature.ts';
import { temperedPriors } from '../../../src/evaluate/calibrate/tempered-priors.ts';

const single = (logits: readonly number[], classes: number): ViewedLogits => ({
  logits,
  classes,
  views: new Array<number>(logits.length / classes).fill(1),
});

/** −Σ ln p(y), from the formula. */
function loss(examples: ViewedLogits, targets: readonly number[], temperature: number): number {
  const p = probabilitiesAt({ ...examples, logits: Float64Array.from(examples.logits) }, temperature);
  return targets.reduce((sum, t, i) => sum - Math.log(p[i * examples.classes + t]!), 0);
}

/** Logits, and labels drawn from their softmax at a temperature. */
function drawn(n: number, classes: number, temperature: number, seed = 1) {
  const rng = rngOf(seed, 'temperature');
  const logits = Array.from({ length: n * classes }, () => 3 * rng.normal());
  const p = probabilitiesAt(single(logits, classes), temperature);
  const targets = Array.from({ length: n }, (_, i) => {
    let left = rng.next();
    for (let c = 0; c < classes; c++) {
      left -= p[i * classes + c]!;
      if (left < 0) return c;
    }
    return classes - 1;
  });
  return { examples: single(logits, classes), targets };
}

describe('fitTemperature', () => {
  it.each([0.4, 1, 2.5])('finds the temperature %f that labels were drawn at', (temperature) => {
    const { examples, targets } = drawn(8000, 4, temperature);
    const fitted = fitTemperature(examples, targets);
    expect(fitted.n).toBe(8000);
    expect(Math.abs(Math.log(fitted.temperature / temperature))).toBeLessThan(0.06);
  });

  it('has no better neighbour', () => {
    const { examples, targets } = drawn(300, 3, 1.7, 2);
    const { temperature } = fitTemperature(examples, targets, Number.POSITIVE_INFINITY);
    const least = loss(examples, targets, temperature);
    for (const factor of [0.5, 0.9, 0.97, 1.03, 1.1, 2])
      expect(loss(examples, targets, temperature * factor)).toBeGreaterThan(least);
  });

  it('is where two numbers say it is', () => {
    // p(1) = 1 / (1 + exp(−2/T)) has to be 3/4: T = 2 / ln 3.
    const { temperature } = fitTemperature(single([0, 2, 0, 2, 0, 2, 0, 2], 2), [1, 1, 1, 0], Number.POSITIVE_INFINITY);
    expect(temperature).toBeCloseTo(2 / Math.log(3), 9);
  });

  it('fits the mean over views, which is what is answered', () => {
    const { examples, targets } = drawn(400, 3, 1.5, 3);
    const rng = rngOf(5, 'views');
    const row = (i: number) => Array.from(examples.logits).slice(i * 3, i * 3 + 3);
    const moved = targets.flatMap((_, i) => [0, 1, 2].flatMap(() => row(i).map((z) => z + rng.normal())));
    const viewed: ViewedLogits = { logits: moved, classes: 3, views: targets.map(() => 3) };
    const { temperature } = fitTemperature(viewed, targets, Number.POSITIVE_INFINITY);
    const least = loss(viewed, targets, temperature);
    for (const factor of [0.9, 0.98, 1.02, 1.1])
      expect(loss(viewed, targets, temperature * factor)).toBeGreaterThan(least);
    // The same view twice is that view.
    const twice = targets.flatMap((_, i) => [...row(i), ...row(i)]);
    const doubled = fitTemperature({ logits: twice, classes: 3, views: new Array<number>(400).fill(2) }, targets);
    expect(doubled.temperature).toBeCloseTo(fitTemperature(examples, targets).temperature, 9);
  });

  it('does not turn a few right answers into certainties', () => {
    const right = single([3, 0, 0, 3, 3, 0, 0, 3], 2);
    expect(fitTemperature(right, [0, 1, 0, 1], Number.POSITIVE_INFINITY).temperature).toBeCloseTo(1 / 20, 9);
    const { temperature } = fitTemperature(right, [0, 1, 0, 1]);
    expect(temperature).toBeGreaterThan(0.4);
    expect(temperature).toBeLessThan(1);
    // Nor despair of a few wrong ones.
    expect(fitTemperature(right, [1, 0, 1, 0]).temperature).toBeLessThan(20);
    expect(fitTemperature(right, [1, 0, 1, 0]).temperature).toBeGreaterThan(2);
  });

  it('stays in range whatever the logits', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.double({ min: -1e4, max: 1e4, noNaN: true }),
            fc.double({ min: -1e4, max: 1e4, noNaN: true }),
            fc.nat(1),
          ),
          { minLength: 1, maxLength: 20 },
        ),
        (rows) => {
          const examples = single(
            rows.flatMap((row) => row.slice(0, 2)),
            2,
          );
          const { temperature } = fitTemperature(
            examples,
            rows.map(([, , t]) => t),
          );
          expect(temperature).toBeGreaterThanOrEqual(1 / 20.001);
          expect(temperature).toBeLessThanOrEqual(20.001);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('refuses what does not fit', () => {
    expect(() => fitTemperature(single([], 2), [])).toThrow(DataError);
    expect(() => fitTemperature(single([1, 2], 2), [0, 1])).toThrow(ShapeError);
    expect(() => fitTemperature({ logits: [1, 2], classes: 2, views: [2] }, [0])).toThrow(ShapeError);
    expect(() => fitTemperature(single([1, Number.NaN], 2), [0])).toThrow(NumericError);
  });
});

describe('probabilitiesAt', () => {
  it('is the softmax, sharper or softer, and never changes the order', () => {
    const z = [1, 2, -1, 300, 0, -300];
    const p = probabilitiesAt(single(z, 3));
    expect(p[1]).toBeCloseTo(Math.exp(2) / (Math.exp(1) + Math.exp(2) + Math.exp(-1)), 6);
    expect(p[3]).toBe(1);
    for (const t of [0.3, 5]) {
      const q = probabilitiesAt(single(z, 3), t);
      expect(decideRows(q, 3)).toEqual(decideRows(p, 3));
      expect(q[0]! + q[1]! + q[2]!).toBeCloseTo(1, 6);
    }
    expect(probabilitiesAt(single(z, 3), 5)[1]).toBeLessThan(p[1]!);
  });
});

describe('temperedPriors', () => {
  const { examples } = drawn(2000, 5, 1, 4);
  const priors = [0.6, 0.2, 0.1, 0.07, 0.03];

  it.each([0.5, 1, 1.8, 4])('keeps the decision at temperature %f', (temperature) => {
    const before = decideRows(probabilitiesAt(examples), 5, priors);
    const after = decideRows(probabilitiesAt(examples, temperature), 5, temperedPriors(priors, temperature));
    expect(after).toEqual(before);
  });

  it('would not be kept by the same priors', () => {
    const before = decideRows(probabilitiesAt(examples), 5, priors);
    const after = decideRows(probabilitiesAt(examples, 4), 5, priors);
    expect([...after].filter((c, i) => c !== before[i]).length).toBeGreaterThan(100);
  });

  it('gives numbers above 0 that add up to 1', () => {
    for (const t of [0.05, 20]) {
      const powers = temperedPriors([1e-6, 1 - 1e-6], t);
      expect(powers[0]).toBeGreaterThan(0);
      expect(powers[0]! + powers[1]!).toBeCloseTo(1, 12);
    }
  });
});
