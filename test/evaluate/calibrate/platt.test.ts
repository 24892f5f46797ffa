import { describe, expect, it } from 'vitest';
import { NumericError, ShapeError } from '../../../src/core/errors.ts';
import { rngOf } from '../../../src/core/rng.ts';
import { applyPlatt, fitPlatt } from '../../../src/evaluate/calibrate/platt.ts';

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const logit = (p: number): number => Math.log(p / (1 - p));

describe('fitPlatt', () => {
  it('undoes a known bend', () => {
    const rng = rngOf(1, 'platt');
    const p = Array.from({ length: 40_000 }, () => rng.uniform(0.01, 0.99));
    const positives = p.map((q) => rng.next() < sigmoid(0.6 * logit(q) - 1.2));
    const fitted = fitPlatt(p, positives)!;
    expect(fitted.slope).toBeCloseTo(0.6, 1);
    expect(fitted.intercept).toBeCloseTo(-1.2, 1);
  });

  it('leaves no gradient: the mean of probabilities is that of the smoothed labels', () => {
    const rng = rngOf(2, 'platt');
    const p = Array.from({ length: 200 }, () => rng.uniform(0.01, 0.99));
    const positives = p.map((q) => rng.next() < q);
    const fitted = fitPlatt(p, positives)!;
    const found = positives.filter(Boolean).length;
    const [yes, no] = [(found + 1) / (found + 2), 1 / (200 - found + 2)];
    const gap = p.map((q, i) => applyPlatt(fitted, q) - (positives[i] ? yes : no));
    expect(gap.reduce((a, b) => a + b, 0) / 200).toBeCloseTo(0, 8);
    expect(gap.reduce((a, b, i) => a + b * logit(p[i]!), 0) / 200).toBeCloseTo(0, 8);
  });

  it('stays finite where a threshold separates the classes', () => {
    const fitted = fitPlatt([0.1, 0.2, 0.8, 0.9], [false, false, true, true])!;
    expect(fitted.slope).toBeGreaterThan(0);
    expect(fitted.slope).toBeLessThan(10);
    // Two of two are not certain.
    expect(applyPlatt(fitted, 0.9)).toBeLessThan(0.95);
    expect(fitPlatt([0, 0, 1, 1], [0, 0, 1, 1])!.slope).toBeLessThan(1);
  });

  it('keeps the order, or is not there', () => {
    const fitted = { slope: 0.3, intercept: 1 };
    const values = [0, 1e-9, 0.2, 0.5, 0.9, 1].map((p) => applyPlatt(fitted, p));
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(fitPlatt([0.1, 0.2, 0.8, 0.9], [1, 1, 0, 0])).toBeUndefined();
    expect(fitPlatt([0.1, 0.9], [1, 1])).toBeUndefined();
    expect(fitPlatt([0.1, 0.9], [0, 0])).toBeUndefined();
    expect(fitPlatt([], [])).toBeUndefined();
  });

  it('refuses what is not a probability', () => {
    expect(() => fitPlatt([0.1], [0, 1])).toThrow(ShapeError);
    expect(() => fitPlatt([0.1, 1.2], [0, 1])).toThrow(NumericError);
  });
});
