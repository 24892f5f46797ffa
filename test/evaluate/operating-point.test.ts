import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, NumericError, ShapeError, UsageError } from '../../src/core/errors.ts';
import { countsAt } from '../../src/evaluate/counts.ts';
import { isUndefined } from '../../src/evaluate/metric.ts';
import { chooseOperatingPoint, type OperatingPoint, type OperatingRule } from '../../src/evaluate/operating-point.ts';

const scored = fc
  .array(fc.record({ p: fc.integer({ min: 0, max: 20 }), positive: fc.boolean() }), { minLength: 2, maxLength: 60 })
  .filter((rows) => new Set(rows.map((row) => row.positive)).size === 2)
  .map((rows) => ({ p: rows.map((row) => row.p / 20), positives: rows.map((row) => row.positive) }));

function chosen(p: readonly number[], positives: readonly boolean[], rule?: OperatingRule): OperatingPoint {
  const point = chooseOperatingPoint(p, positives, rule);
  if (isUndefined(point)) throw new Error(point.undefined);
  return point;
}

/** Sensitivity and specificity at every threshold that tells examples apart. */
function all(p: readonly number[], positives: readonly boolean[]): { sensitivity: number; specificity: number }[] {
  return [...new Set(p)].map((threshold) => {
    const c = countsAt(p, positives, threshold);
    return {
      sensitivity: c.truePositives / (c.truePositives + c.falseNegatives),
      specificity: c.trueNegatives / (c.trueNegatives + c.falsePositives),
    };
  });
}

describe('chooseOperatingPoint', () => {
  it('says what it achieves: the counts at its threshold', () => {
    const rules: OperatingRule[] = [
      { kind: 'sensitivity', atLeast: 0.8 },
      { kind: 'youden' },
      { kind: 'cost', missed: 20, falseAlarm: 1, prevalence: 0.3 },
    ];
    fc.assert(
      fc.property(scored, fc.constantFrom(...rules), ({ p, positives }, rule) => {
        const point = chosen(p, positives, rule);
        expect(countsAt(p, positives, point.threshold)).toEqual(point.counts);
        expect(point.n).toBe(p.length);
        expect(point.rule).toBe(rule);
      }),
    );
  });

  it('has the best specificity among those of the wanted sensitivity', () => {
    fc.assert(
      fc.property(scored, fc.constantFrom(0.5, 0.8, 0.95, 1), ({ p, positives }, atLeast) => {
        const point = chosen(p, positives, { kind: 'sensitivity', atLeast });
        const good = all(p, positives).filter(({ sensitivity }) => sensitivity >= atLeast - 1e-9);
        expect(point.sensitivity).toBeGreaterThanOrEqual(atLeast - 1e-9);
        expect(point.specificity).toBeCloseTo(Math.max(...good.map((g) => g.specificity)), 12);
      }),
    );
  });

  it('finds the largest Youden index and the least cost by trying all', () => {
    fc.assert(
      fc.property(scored, ({ p, positives }) => {
        const youden = chosen(p, positives, { kind: 'youden' });
        const index = (x: { sensitivity: number; specificity: number }): number => x.sensitivity + x.specificity;
        expect(index(youden)).toBeCloseTo(Math.max(...all(p, positives).map(index)), 12);

        const cost = (x: { sensitivity: number; specificity: number }): number =>
          5 * 0.2 * (1 - x.sensitivity) + 0.8 * (1 - x.specificity);
        const point = chooseOperatingPoint(p, positives, { kind: 'cost', missed: 5, falseAlarm: 1, prevalence: 0.2 });
        const least = Math.min(...all(p, positives).map(cost));
        if (isUndefined(point)) expect(least).toBeGreaterThan(5 * 0.2 - 1e-12);
        else expect(cost(point)).toBeCloseTo(least, 12);
      }),
    );
  });

  it('misses at most 5 % unless told otherwise, also where that is a whole number of examples', () => {
    const p = Array.from({ length: 40 }, (_, i) => (i + 1) / 41);
    const positives = p.map((_, i) => i % 2 === 0);
    const point = chosen(p, positives);
    expect(point.rule).toEqual({ kind: 'sensitivity', atLeast: 0.95 });
    expect(point.sensitivity).toBe(19 / 20);
    expect(point.counts).toMatchObject({ truePositives: 19, falseNegatives: 1 });
  });

  it('lies between probabilities, so that rounding moves none across', () => {
    const point = chosen([0.2, 0.4, 0.6, 0.8], [false, false, true, true], { kind: 'youden' });
    expect(point.threshold).toBeCloseTo(0.5, 12);
    expect(chosen([0.2, 0.8], [true, false], { kind: 'sensitivity', atLeast: 1 }).threshold).toBe(0.1);
  });

  it('needs both classes, and may find nothing worth calling positive', () => {
    expect(chooseOperatingPoint([0.1, 0.2], [true, true])).toEqual({ undefined: 'no negative example' });
    expect(chooseOperatingPoint([], [])).toEqual({ undefined: 'no examples' });
    expect(
      chooseOperatingPoint([0.9, 0.1], [false, true], { kind: 'cost', missed: 1, falseAlarm: 9, prevalence: 0.1 }),
    ).toEqual({ undefined: 'at these costs it is cheapest to call nothing positive' });
  });

  it('refuses what it cannot use', () => {
    expect(() => chooseOperatingPoint([0.1], [true, false])).toThrow(ShapeError);
    expect(() => chooseOperatingPoint([0.1, Number.NaN], [true, false])).toThrow(NumericError);
    expect(() => chooseOperatingPoint([0.1, 1.5], [true, false])).toThrow(NumericError);
    expect(() => chooseOperatingPoint([0.1, 0.5], [true, false], { kind: 'sensitivity', atLeast: 0 })).toThrow(
      UsageError,
    );
    expect(() => chooseOperatingPoint([0.1, 0.5], [true, false], { kind: 'cost', missed: 0, falseAlarm: 1 })).toThrow(
      'operating point: expected a cost missed > 0, got 0',
    );
    expect(() =>
      chooseOperatingPoint([0.1, 0.5], [true, false], { kind: 'cost', missed: 1, falseAlarm: 1, prevalence: 1 }),
    ).toThrow(DataError);
    expect(() => countsAt([0.1], [1], Number.NaN)).toThrow(NumericError);
    expect(() => countsAt([Number.NaN], [1], 0.5)).toThrow(NumericError);
  });
});
