import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, NumericError, ShapeError, UsageError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import { auc } from '../../src/evaluate/auc.ts';
import { averagePrecision } from '../../src/evaluate/average-precision.ts';
import { bootstrapInterval } from '../../src/evaluate/bootstrap.ts';
import { accuracyOf, balancedAccuracyOf, confusionMatrix } from '../../src/evaluate/confusion.ts';
import { deLong, deLongInterval95, midranks } from '../../src/evaluate/delong.ts';
import { membersOf } from '../../src/evaluate/groups.ts';
import { logLoss } from '../../src/evaluate/log-loss.ts';
import { isDefined } from '../../src/evaluate/metric.ts';
import { rocCurve } from '../../src/evaluate/roc.ts';
import { wilsonInterval } from '../../src/evaluate/wilson.ts';

/** Few distinct scores, so that ties are common; both classes present. */
const scored = fc
  .array(fc.record({ score: fc.integer({ min: -8, max: 8 }), positive: fc.boolean() }), { minLength: 2, maxLength: 40 })
  .filter((rows) => new Set(rows.map((row) => row.positive)).size === 2)
  .map((rows) => ({ scores: rows.map((row) => row.score), positives: rows.map((row) => row.positive) }));

describe('auc', () => {
  it('is the share of pairs in the right order, ties counting half', () => {
    fc.assert(
      fc.property(scored, ({ scores, positives }) => {
        let wins = 0;
        let pairs = 0;
        scores.forEach((s, i) => {
          scores.forEach((t, j) => {
            if (!positives[i] || positives[j]) return;
            pairs++;
            wins += s > t ? 1 : s === t ? 0.5 : 0;
          });
        });
        expect(auc(scores, positives)).toBeCloseTo(wins / pairs, 12);
      }),
    );
  });

  it('does not change under an increasing map, and turns over under negation', () => {
    fc.assert(
      fc.property(scored, ({ scores, positives }) => {
        const value = auc(scores, positives);
        expect(
          auc(
            scores.map((s) => Math.exp(s / 3) + 5),
            positives,
          ),
        ).toBe(value);
        const turned = auc(
          scores.map((s) => -s),
          positives,
        );
        expect(isDefined(value) && isDefined(turned) && value + turned).toBeCloseTo(1, 12);
      }),
    );
  });

  it('counts an example of integer weight that many times', () => {
    fc.assert(
      fc.property(scored, fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 40, maxLength: 40 }), (rows, times) => {
        const repeat = <T>(values: readonly T[]): T[] =>
          values.flatMap((value, i) => new Array<T>(times[i]!).fill(value));
        const weights = times.slice(0, rows.scores.length);
        expect(auc(rows.scores, rows.positives, weights)).toEqual(auc(repeat(rows.scores), repeat(rows.positives)));
      }),
    );
  });

  it('is 1 for perfect scores and one half for equal ones', () => {
    expect(auc([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1])).toBe(1);
    expect(auc([3, 3, 3], [1, 0, 1])).toBe(0.5);
  });

  it('is the area under the points of the ROC curve', () => {
    fc.assert(
      fc.property(scored, ({ scores, positives }) => {
        const curve = rocCurve(scores, positives);
        if ('undefined' in curve) throw new Error(curve.undefined);
        const area = curve.slice(1).reduce((sum, point, k) => {
          const before = curve[k]!;
          const width = point.falsePositiveRate - before.falsePositiveRate;
          return sum + (width * (point.truePositiveRate + before.truePositiveRate)) / 2;
        }, 0);
        expect(auc(scores, positives)).toBeCloseTo(area, 12);
        expect(curve.at(-1)).toMatchObject({ falsePositiveRate: 1, truePositiveRate: 1 });
      }),
    );
  });

  it('says why where it is undefined, and never gives NaN', () => {
    expect(auc([0.5, 0.6], [1, 1])).toEqual({ undefined: 'no negative example' });
    expect(auc([0.5, 0.6], [0, 0])).toEqual({ undefined: 'no positive example' });
    expect(auc([], [])).toEqual({ undefined: 'no examples' });
    expect(auc([1, 2], [0, 1], [0, 0])).toEqual({ undefined: 'no examples' });
    expect(averagePrecision([1, 2], [0, 0])).toEqual({ undefined: 'no positive example' });
    expect(rocCurve([1, 2], [0, 0])).toEqual({ undefined: 'no positive example' });
  });

  it('refuses what cannot be ranked', () => {
    expect(() => auc([0.5, Number.NaN], [0, 1])).toThrow(NumericError);
    expect(() => auc([0.5, 0.4], [0])).toThrow(ShapeError);
    expect(() => auc([0.5, 0.4], [0, 1], [1])).toThrow(ShapeError);
    expect(() => auc([0.5, 0.4], [0, 1], [1, -1])).toThrow(DataError);
  });
});

describe('deLong', () => {
  it('estimates the same AUC, whose interval holds it', () => {
    fc.assert(
      fc.property(scored, ({ scores, positives }) => {
        const estimate = deLong(scores, positives);
        if ('undefined' in estimate) return;
        const area = auc(scores, positives);
        expect(estimate.auc).toBeCloseTo(isDefined(area) ? area : Number.NaN, 12);
        const interval = deLongInterval95(scores, positives);
        if (!isDefined(interval)) return;
        expect(interval[0]).toBeLessThanOrEqual(estimate.auc);
        expect(interval[1]).toBeGreaterThanOrEqual(estimate.auc);
      }),
    );
  });

  it('claims no certainty where it cannot', () => {
    expect(deLongInterval95([1, 2, 3, 4], [0, 0, 1, 1])).toEqual({
      undefined: 'the variance estimate is 0: too few examples to tell',
    });
    expect(deLongInterval95([1, 2, 3], [0, 0, 1])).toEqual({ undefined: 'only one positive example' });
    expect(deLongInterval95([1, 2, 3], [0, 1, 1])).toEqual({ undefined: 'only one negative example' });
  });

  it('shares the ranks of ties', () => {
    expect([...midranks([10, 20, 10, 5])]).toEqual([2.5, 4, 2.5, 1]);
  });
});

describe('confusion', () => {
  it('ignores absent classes in the mean, and is undefined without examples', () => {
    const matrix = confusionMatrix([0, 0, 1], [0, 1, 1], 3);
    expect(matrix).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [0, 0, 0],
    ]);
    expect(balancedAccuracyOf(matrix)).toBe(0.75);
    expect(accuracyOf(confusionMatrix([], [], 2))).toEqual({ undefined: 'no examples' });
    expect(balancedAccuracyOf(confusionMatrix([], [], 2))).toEqual({ undefined: 'no examples' });
    expect(logLoss([], [], 2)).toEqual({ undefined: 'no examples' });
  });

  it('refuses classes that do not exist', () => {
    expect(() => confusionMatrix([0, 2], [0, 1], 2)).toThrow(
      'target of example 1: expected an integer in [0, 2), got 2',
    );
    expect(() => confusionMatrix([0, 1], [0, -1], 2)).toThrow(DataError);
    expect(() => confusionMatrix([0], [0, 1], 2)).toThrow(ShapeError);
  });
});

describe('wilsonInterval', () => {
  it('stays in [0, 1], holds the share, and mirrors', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const k = Math.round(share * n);
        const interval = wilsonInterval(k, n);
        const mirror = wilsonInterval(n - k, n);
        if (!isDefined(interval) || !isDefined(mirror)) throw new Error('undefined');
        expect(interval[0]).toBeGreaterThanOrEqual(0);
        expect(interval[1]).toBeLessThanOrEqual(1);
        expect(interval[0]).toBeLessThanOrEqual(k / n);
        expect(interval[1]).toBeGreaterThanOrEqual(k / n);
        expect(interval[0]).toBeCloseTo(1 - mirror[1], 10);
      }),
    );
  });

  it('is undefined without trials and refuses impossible counts', () => {
    expect(wilsonInterval(0, 0)).toEqual({ undefined: 'no examples' });
    expect(() => wilsonInterval(3, 2)).toThrow(DataError);
    expect(() => wilsonInterval(Number.NaN, 2)).toThrow(DataError);
  });
});

describe('bootstrapInterval', () => {
  const rng = rngOf(3, 'test');
  const values = Array.from({ length: 200 }, () => rng.normal());
  const meanAt = (rows: Int32Array): number => rows.reduce((sum, row) => sum + values[row]!, 0) / rows.length;
  const alone = new Array<undefined>(200).fill(undefined);

  it('agrees with the normal interval of a mean', () => {
    const interval = bootstrapInterval(alone, meanAt);
    if (!isDefined(interval)) throw new Error(interval.undefined);
    const all = meanAt(Int32Array.from(values.keys()));
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - all) ** 2, 0) / values.length);
    const half = (1.96 * deviation) / Math.sqrt(values.length);
    // 2,000 resamples place the ends to about 5 % of the half width.
    expect(interval[0]).toBeGreaterThan(all - 1.15 * half);
    expect(interval[0]).toBeLessThan(all - 0.85 * half);
    expect(interval[1]).toBeGreaterThan(all + 0.85 * half);
    expect(interval[1]).toBeLessThan(all + 1.15 * half);
  });

  it('is the same for the same seed, and not for another', () => {
    const of = (seed: number): unknown => bootstrapInterval(alone, meanAt, { seed, resamples: 200 });
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
  });

  it('draws whole groups, so that copies are no evidence', () => {
    const lesions = Array.from({ length: 20 }, (_, g) => `lesion ${g}`);
    const once = bootstrapInterval(lesions, (rows) => meanAt(rows));
    const tenTimes = bootstrapInterval(
      Array.from({ length: 200 }, (_, i) => lesions[i % 20]),
      (rows) => meanAt(rows.map((row) => row % 20)),
    );
    if (!isDefined(once) || !isDefined(tenTimes)) throw new Error('undefined');
    expect(tenTimes[0]).toBeCloseTo(once[0], 10);
    expect(tenTimes[1]).toBeCloseTo(once[1], 10);
  });

  it('keeps groups in order of appearance and the rest apart', () => {
    expect(membersOf(['b', undefined, 'a', 'b', undefined])).toEqual([[0, 3], [1], [2], [4]]);
  });

  it('says why where it is undefined', () => {
    expect(bootstrapInterval(['a', 'a'], () => 1)).toEqual({ undefined: 'only one group of examples' });
    expect(bootstrapInterval([], () => 1)).toEqual({ undefined: 'no examples' });
    expect(bootstrapInterval(alone, () => ({ undefined: 'never' }), { resamples: 10 })).toEqual({
      undefined: 'undefined in most resamples: too few examples',
    });
    expect(() => bootstrapInterval(alone, meanAt, { resamples: 0 })).toThrow(UsageError);
    expect(() => bootstrapInterval(alone, meanAt, { level: 1 })).toThrow(UsageError);
  });
});
