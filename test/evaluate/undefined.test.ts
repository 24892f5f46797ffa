import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, NumericError, ShapeError, UsageError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import { cohenKappa, f1Scores, matthewsCorrelation } from '../../src/evaluate/agreement.ts';
import { auc } from '../../src/evaluate/auc.ts';
import { bootstrapDifference, bootstrapInterval } from '../../src/evaluate/bootstrap.ts';
import { brierDecomposition, brierScore, brierScoreOfClasses } from '../../src/evaluate/brier.ts';
import { calibrationLine } from '../../src/evaluate/calibration-line.ts';
import { clusteredProportion } from '../../src/evaluate/clustered-proportion.ts';
import { confusionMatrix } from '../../src/evaluate/confusion.ts';
import { countsAt } from '../../src/evaluate/counts.ts';
import { decisionCurve, usefulRange } from '../../src/evaluate/decision-curve.ts';
import { deLong } from '../../src/evaluate/delong.ts';
import { deLongTest } from '../../src/evaluate/delong-test.ts';
import { diagnosticRates, predictiveValuesAt } from '../../src/evaluate/diagnostic-rates.ts';
import { isDefined, isUndefined, type Metric } from '../../src/evaluate/metric.ts';
import { adjustPValues } from '../../src/evaluate/multiplicity.ts';
import { chooseOperatingPoint } from '../../src/evaluate/operating-point.ts';
import { partialAuc } from '../../src/evaluate/partial-auc.ts';
import { calibrationError, reliabilityCurve, topLabel } from '../../src/evaluate/reliability.ts';
import { precisionOf, precisionOfProportion } from '../../src/evaluate/sample-size.ts';
import { subgroupTable } from '../../src/evaluate/subgroups.ts';
import { compareProportions } from '../../src/evaluate/two-samples.ts';

/** Anything: no examples, one class, ties, certainty, groups across classes. */
const anything = fc
  .array(
    fc.record({
      p: fc.oneof(fc.constantFrom(0, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true })),
      positive: fc.boolean(),
      group: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    }),
    { maxLength: 12 },
  )
  .map((rows) => ({
    p: rows.map((row) => row.p),
    positives: rows.map((row) => row.positive),
    groups: rows.map((row) => row.group),
  }));

describe('what the data cannot give', () => {
  it('is said, and never NaN or infinite, whatever the data', () => {
    fc.assert(
      fc.property(anything, ({ p, positives, groups }) => {
        const counts = countsAt(p, positives, 0.5);
        const matrix = confusionMatrix(
          positives.map(Number),
          p.map((v) => Number(v >= 0.5)),
          2,
        );
        const everything = {
          rates: diagnosticRates(counts),
          at: predictiveValuesAt(counts, 0.02),
          partial: partialAuc(p, positives),
          deLong: deLong(p, positives, groups),
          test: deLongTest(
            p,
            p.map((v) => v * v),
            positives,
            groups,
          ),
          kappa: cohenKappa(matrix, 'quadratic'),
          matthews: matthewsCorrelation(matrix),
          f1: f1Scores(matrix),
          brier: brierScore(p, positives),
          parts: brierDecomposition(p, positives),
          ece: calibrationError(p, positives, { binning: 'mass' }),
          curve: reliabilityCurve(p, positives),
          line: calibrationLine(p, positives),
          net: decisionCurve(p, positives, { thresholds: [0.1, 0.5] }),
          point: chooseOperatingPoint(p, positives),
          share: clusteredProportion(positives, groups),
          difference: bootstrapDifference(
            groups,
            (rows) =>
              brierScore(
                Array.from(rows, (row) => p[row]!),
                Array.from(rows, (row) => positives[row]!),
              ),
            () => 0.2,
            { resamples: 5, strata: positives },
          ),
          subgroups: subgroupTable(
            { scores: p, positives, threshold: 0.5, groups, attributes: { group: groups } },
            { minCases: 1 },
          ),
        };
        const text = JSON.stringify(everything);
        expect(text).not.toContain('null');
        expect(JSON.parse(text)).toEqual(everything);
      }),
      { numRuns: 150 },
    );
  });

  it('has a reason', () => {
    const rates = diagnosticRates({ truePositives: 5, falsePositives: 0, trueNegatives: 7, falseNegatives: 0 });
    expect(rates.positiveLikelihoodRatio.value).toEqual({ undefined: 'no false positive: the ratio is infinite' });
    expect(rates.negativeLikelihoodRatio.value).toBe(0);
    expect(rates.negativeLikelihoodRatio.interval95).toHaveProperty('undefined');
    const nobody = diagnosticRates({ truePositives: 0, falsePositives: 0, trueNegatives: 7, falseNegatives: 2 });
    expect(nobody.ppv.value).toEqual({ undefined: 'nothing was called positive' });
    expect(partialAuc([0.1, 0.2], [1, 1])).toEqual({ undefined: 'no negative example' });
    expect(deLongTest([1, 2, 3, 4, 5], [2, 3, 4, 5, 6], [0, 1, 0, 1, 1])).toEqual({
      undefined: 'the variance of the difference is 0: nothing tells the models apart',
    });
    expect(deLong([1, 2, 3, 4], [0, 1, 0, 1], ['a', 'b', 'c', 'b'])).toEqual({
      undefined: 'all positive examples are of one group',
    });
    expect(
      matthewsCorrelation([
        [3, 0],
        [2, 0],
      ]),
    ).toEqual({ undefined: 'all answers are one class' });
    expect(
      cohenKappa([
        [3, 0],
        [0, 0],
      ]),
    ).toEqual({ undefined: 'truth and answers are one class throughout' });
    expect(
      f1Scores([
        [3, 0, 0],
        [0, 0, 1],
        [0, 0, 0],
      ]),
    ).toMatchObject({ perClass: [1, 0, 0] });
    expect(
      f1Scores([
        [3, 0],
        [0, 0],
      ]).perClass[1],
    ).toHaveProperty('undefined');
    expect(calibrationLine([0.1, 0.2, 0.7, 0.8], [0, 0, 1, 1]).slope.value).toEqual({
      undefined: 'a threshold separates the classes: the slope is infinite',
    });
    expect(calibrationLine([0.3, 0.3, 0.3], [0, 1, 0])).toMatchObject({
      slope: { value: { undefined: 'all probabilities are equal' } },
      interceptAtSlope1: { value: expect.any(Number) },
    });
    expect(compareProportions(1, 200, 0, 300)).toEqual({ undefined: 'an expected count is below 1' });
    expect(brierDecomposition([0.2, 0.4], [0, 0])).toMatchObject({ skill: { undefined: 'no positive example' } });
    expect(usefulRange(decisionCurve([0.9, 0.1], [0, 1]))).toHaveProperty('undefined');
    expect(clusteredProportion([], []).value).toEqual({ undefined: 'no examples' });
  });
});

describe('what cannot be', () => {
  it('is refused', () => {
    expect(() => brierScore([0.5, 1.2], [0, 1])).toThrow('expected a probability in [0, 1] for example 1, got 1.2');
    expect(() => brierScore([0.5], [0, 1])).toThrow(ShapeError);
    expect(() => brierScoreOfClasses([0.5], [0], 2)).toThrow(ShapeError);
    expect(() => brierScoreOfClasses([0.5, Number.NaN], [0], 2)).toThrow(NumericError);
    expect(() => reliabilityCurve([0.5], [0], { bins: 0 })).toThrow(UsageError);
    expect(() => decisionCurve([0.5], [0], { thresholds: [1] })).toThrow(UsageError);
    expect(() => decisionCurve([0.5], [0], { prevalence: 0 })).toThrow(DataError);
    expect(() => partialAuc([0.5], [0], 1)).toThrow(DataError);
    expect(() => predictiveValuesAt(countsAt([0.5], [1], 0.1), 2)).toThrow(DataError);
    expect(() =>
      diagnosticRates({ truePositives: -1, falsePositives: 0, trueNegatives: 1, falseNegatives: 0 }),
    ).toThrow(DataError);
    expect(() => adjustPValues([0.5, Number.NaN], 'holm')).toThrow(NumericError);
    expect(() => compareProportions(3, 2, 1, 4)).toThrow(DataError);
    expect(() => deLongTest([1, 2], [1], [0, 1])).toThrow(ShapeError);
    expect(() => deLong([1, 2], [0, 1, 1])).toThrow(ShapeError);
    expect(() => deLong([1, 2, 3, 4], [0, 1, 0, 1], ['a'])).toThrow(ShapeError);
    expect(() => bootstrapInterval(['a', 'b'], () => 1, { strata: [1] })).toThrow(ShapeError);
    expect(() => precisionOf([0, 1], Number.NaN, { name: 'AUC' })).toThrow(DataError);
  });
});

describe('bootstrapDifference', () => {
  const rng = rngOf(2, 'test');
  const positives = Array.from({ length: 90 }, (_, i) => i % 3 === 0);
  const shared = positives.map((positive) => rng.normal() + (positive ? 1.5 : 0));
  const weak = shared.map((s) => s + 1.5 * rng.normal());
  const groups = positives.map((_, i) => `lesion ${Math.floor(i / 2)}`);
  const of =
    (scores: readonly number[]) =>
    (rows: Int32Array): Metric =>
      auc(
        Array.from(rows, (row) => scores[row]!),
        Array.from(rows, (row) => positives[row]!),
      );
  const options = { resamples: 400, strata: positives };

  it('agrees with DeLong where both hold', () => {
    const alone = positives.map(() => undefined);
    const paired = bootstrapDifference(alone, of(weak), of(shared), options);
    const test = deLongTest(weak, shared, positives);
    if (isUndefined(test) || !isDefined(paired.interval)) throw new Error('undefined');
    expect(paired.difference).toBeCloseTo(test.difference, 12);
    // 400 resamples place the ends to about a tenth of the width.
    const width = test.difference95[1] - test.difference95[0];
    expect(Math.abs(paired.interval[0] - test.difference95[0])).toBeLessThan(0.15 * width);
    expect(Math.abs(paired.interval[1] - test.difference95[1])).toBeLessThan(0.15 * width);
  });

  it('turns over with the models, and finds none between a model and itself', () => {
    const there = bootstrapDifference(groups, of(weak), of(shared), options);
    const back = bootstrapDifference(groups, of(shared), of(weak), options);
    if (!isDefined(there.interval) || !isDefined(back.interval)) throw new Error('undefined');
    expect(there.interval[0]).toBeCloseTo(-back.interval[1], 12);
    expect(there.pValue).toBe(back.pValue);
    expect(there.pValue).toBeLessThan(0.05);
    expect(bootstrapDifference(groups, of(weak), of(weak), options)).toMatchObject({
      difference: 0,
      interval: [0, 0],
      pValue: 1,
    });
  });

  it('keeps the number of groups of each kind in every resample', () => {
    const seen = new Set<string>();
    const mixed = ['a', 'a', 'b', 'b', 'c', undefined, 'd', 'd'];
    const strata = [0, 1, 0, 1, 0, 0, 1, 1];
    // a, b: both classes; c and the lone one: 0; d: 1.
    bootstrapInterval(
      mixed,
      (rows) => {
        const of = Array.from(rows, (row) => mixed[row] ?? 'alone');
        const count = (...names: string[]): number => of.filter((name) => names.includes(name)).length;
        seen.add([count('a', 'b'), count('c', 'alone'), count('d')].join(' '));
        return 1;
      },
      { resamples: 50, strata },
    );
    expect([...seen]).toEqual(['4 2 2']);
  });
});

describe('calibration', () => {
  it('does not depend on the order of examples, ties included', () => {
    fc.assert(
      fc.property(anything, ({ p, positives }) => {
        const back = <T>(values: readonly T[]): T[] => [...values].reverse();
        for (const binning of ['width', 'mass'] as const) {
          const there = calibrationError(p, positives, { bins: 4, binning });
          const turned = calibrationError(back(p), back(positives), { bins: 4, binning });
          if (isDefined(there) && isDefined(turned)) expect(turned).toBeCloseTo(there, 12);
          else expect(turned).toEqual(there);
        }
      }),
    );
  });

  it('shares the examples evenly by mass', () => {
    const p = Array.from({ length: 103 }, (_, i) => (i + 0.5) / 103 / 4);
    const curve = reliabilityCurve(p, new Array<number>(103).fill(1), { binning: 'mass' });
    expect(curve.map((bin) => bin.n).every((n) => n === 10 || n === 11)).toBe(true);
    expect(curve).toHaveLength(10);
    expect(reliabilityCurve(p, new Array<number>(103).fill(1))).toHaveLength(3);
  });

  it('asks of several classes how often the most probable one is right', () => {
    const top = topLabel([0.2, 0.5, 0.3, 0.6, 0.3, 0.1], [1, 2], 3);
    expect([...top.probabilities]).toEqual([0.5, 0.6]);
    expect([...top.positives]).toEqual([1, 0]);
    expect(calibrationError(top.probabilities, top.positives)).toBeCloseTo((0.5 + 0.6) / 2, 12);
  });
});

describe('sample size', () => {
  it('warns where the interval is wide, and says what would halve it', () => {
    const few = precisionOfProportion(19, 20, { name: 'Sensitivity', unit: 'malignant cases' });
    expect(few.tooWide).toBe(true);
    expect(few.warning).toMatch(
      /^Sensitivity is known from 20 malignant cases only: its 95 % interval, 76.4 to 99.1 %, is 22.7 points wide\. About \d+ malignant cases would halve it\.$/,
    );
    expect(precisionOfProportion(950, 1000, { name: 'Sensitivity' })).toMatchObject({
      tooWide: false,
      warning: undefined,
    });
    expect(precisionOf([0.8, 0.95], 60, { name: 'AUC' })).toMatchObject({ nToHalve: 240, tooWide: true });
    const none = precisionOf({ undefined: 'only one positive example' }, 30, { name: 'AUC' });
    expect(none).toMatchObject({
      tooWide: true,
      warning: 'AUC has no interval (only one positive example): 30 cases are too few to tell.',
    });
  });
});
