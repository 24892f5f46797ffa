import { describe, expect, it } from 'vitest';
import { diverged, type RatePoint, risingRate, suggestedRates, withPoint } from '../../src/optim/rate-range.ts';

const STEPS = 100;

/** A search over a loss that is a function of the rate. */
function search(loss: (rate: number) => number, steps = STEPS): RatePoint[] {
  let points: RatePoint[] = [];
  for (let step = 0; step < steps; step++) {
    const rate = risingRate(step, steps, 1e-6, 1);
    points = withPoint(points, rate, loss(rate));
  }
  return points;
}

describe('a search for a rate', () => {
  it('rises by the same factor at every step, from end to end', () => {
    const rates = Array.from({ length: STEPS }, (_, step) => risingRate(step, STEPS, 1e-5, 10));
    expect(rates[0]).toBeCloseTo(1e-5, 12);
    expect(rates.at(-1)).toBeCloseTo(10, 9);
    for (let i = 1; i < STEPS; i++) expect(rates[i]! / rates[i - 1]!).toBeCloseTo(1e6 ** (1 / (STEPS - 1)), 9);
    expect(risingRate(0, 1, 1e-5, 10)).toBe(1e-5);
  });

  it('smooths: a constant stays as it is from the first step, and noise shrinks', () => {
    for (const p of search(() => 0.7)) expect(p.smoothed).toBeCloseTo(0.7, 12);
    let sign = 1;
    const noisy = search(() => {
      sign = -sign;
      return 1 + sign;
    });
    for (const p of noisy.slice(30)) expect(Math.abs(p.smoothed - 1)).toBeLessThan(0.1);
  });

  it('suggests where the loss falls fastest, and a tenth of where it is lowest', () => {
    // Falls as a logistic curve in log rate with its middle at 1e-3, and rises from 0.1 on.
    const points = search((rate) => 1 / (1 + (rate / 1e-3) ** 2) + (rate > 0.1 ? 30 * (rate - 0.1) : 0));
    const { steepest, tenthOfLowest } = suggestedRates(points);
    // Smoothing looks back over some ten steps, a factor of 4 in the rate.
    expect(steepest).toBeGreaterThan(1e-3);
    expect(steepest).toBeLessThan(5e-3);
    expect(tenthOfLowest).toBeGreaterThan(0.005);
    expect(tenthOfLowest).toBeLessThan(0.03);
  });

  it('suggests no steepest rate where the loss never falls', () => {
    expect(suggestedRates(search((rate) => 1 + rate)).steepest).toBeUndefined();
    expect(suggestedRates(search(() => 1, 1))).toEqual({ steepest: undefined, tenthOfLowest: 1e-7 });
  });

  it('ends when the loss is a multiple of its lowest, or no number', () => {
    const points = search((rate) => (rate < 0.01 ? 1 : 100));
    const first = points.findIndex((_, i) => diverged(points.slice(0, i + 1)));
    expect(points[first]!.rate).toBeGreaterThan(0.01);
    expect(points[first]!.rate).toBeLessThan(0.02);
    expect(diverged(search(() => 1))).toBe(false);
    expect(
      diverged(
        withPoint(
          search(() => 1, 20),
          1,
          Number.NaN,
        ),
      ),
    ).toBe(true);
    // The first losses are noise.
    expect(
      diverged(
        withPoint(
          search(() => 0.1, 3),
          1,
          100,
        ),
      ),
    ).toBe(false);
  });
});
