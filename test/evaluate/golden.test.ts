import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { argmaxRows } from '../../src/evaluate/argmax.ts';
import { auc, oneVsRestAuc } from '../../src/evaluate/auc.ts';
import { averagePrecision } from '../../src/evaluate/average-precision.ts';
import { quantile } from '../../src/evaluate/bootstrap.ts';
import { accuracyOf, balancedAccuracyOf, classRatesOf, confusionMatrix } from '../../src/evaluate/confusion.ts';
import { deLong, deLongInterval95 } from '../../src/evaluate/delong.ts';
import { logLoss } from '../../src/evaluate/log-loss.ts';
import { isDefined, type Metric } from '../../src/evaluate/metric.ts';
import { rocCurve } from '../../src/evaluate/roc.ts';
import { wilsonInterval } from '../../src/evaluate/wilson.ts';

const numbers = z.array(z.number());
const golden = z
  .object({
    cases: z.record(
      z.string(),
      z.object({
        classes: z.number(),
        targets: numbers,
        probabilities: numbers,
        confusion: z.array(numbers),
        accuracy: z.number(),
        balancedAccuracy: z.number(),
        recall: numbers,
        precision: numbers,
        specificity: numbers,
        logLoss: z.number(),
        auc: z.array(z.number().nullable()),
        score: numbers,
        positive: numbers,
        binaryAuc: z.number(),
        averagePrecision: z.number(),
        weights: numbers,
        weightedAuc: z.number(),
        weightedAveragePrecision: z.number(),
        roc: z.object({ fpr: numbers, tpr: numbers, thresholds: numbers }),
        delong: z.object({ auc: z.number(), variance: z.number(), interval: numbers }),
      }),
    ),
    wilson: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
    quantiles: z.array(z.tuple([z.number(), z.number()])),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/metrics.json', import.meta.url), 'utf8')));

/** Decimal places of agreement: float64 arithmetic in another order. */
const PLACES = 10;

function near(got: Metric, expected: number): void {
  expect(got).toBeTypeOf('number');
  if (isDefined(got)) expect(got).toBeCloseTo(expected, PLACES);
}

describe.each(Object.entries(golden.cases))('against scikit-learn: %s', (_, g) => {
  const predicted = argmaxRows(g.probabilities, g.classes);
  const matrix = confusionMatrix(g.targets, predicted, g.classes);

  it('counts the same confusions', () => {
    expect(matrix).toEqual(g.confusion);
    near(accuracyOf(matrix), g.accuracy);
    near(balancedAccuracyOf(matrix), g.balancedAccuracy);
  });

  it('has the same rates per class', () => {
    for (let c = 0; c < g.classes; c++) {
      const rates = classRatesOf(matrix, c);
      // scikit-learn was told to answer 0 where the rate is undefined.
      if (rates.n > 0) near(rates.sensitivity, g.recall[c]!);
      else expect(rates.sensitivity).toEqual({ undefined: 'no example of this class' });
      if (predicted.includes(c)) near(rates.precision, g.precision[c]!);
      else expect(rates.precision).toEqual({ undefined: 'never predicted' });
      near(rates.specificity, g.specificity[c]!);
    }
  });

  it('has the same log loss', () => {
    near(logLoss(g.probabilities, g.targets, g.classes), g.logLoss);
  });

  it('has the same AUC per class', () => {
    oneVsRestAuc(g.probabilities, g.targets, g.classes).forEach((value, c) => {
      const expected = g.auc[c]!;
      if (expected === null) expect(value).toEqual({ undefined: 'no positive example' });
      else near(value, expected);
    });
  });

  it('ranks the same: AUC, average precision, with and without weights', () => {
    near(auc(g.score, g.positive), g.binaryAuc);
    near(averagePrecision(g.score, g.positive), g.averagePrecision);
    near(auc(g.score, g.positive, g.weights), g.weightedAuc);
    near(averagePrecision(g.score, g.positive, g.weights), g.weightedAveragePrecision);
  });

  it('draws the same ROC curve', () => {
    const curve = rocCurve(g.score, g.positive);
    if ('undefined' in curve) throw new Error(curve.undefined);
    expect(curve.map((point) => point.threshold)).toEqual([null, ...g.roc.thresholds]);
    curve.forEach((point, k) => {
      expect(point.falsePositiveRate).toBeCloseTo(g.roc.fpr[k]!, PLACES);
      expect(point.truePositiveRate).toBeCloseTo(g.roc.tpr[k]!, PLACES);
    });
  });

  it('has the variance of the AUC that the definition by pairs gives', () => {
    const estimate = deLong(g.score, g.positive);
    if ('undefined' in estimate) throw new Error(estimate.undefined);
    expect(estimate.auc).toBeCloseTo(g.delong.auc, PLACES);
    expect(estimate.variance).toBeCloseTo(g.delong.variance, 12);
    const interval = deLongInterval95(g.score, g.positive);
    if (!isDefined(interval)) throw new Error(interval.undefined);
    expect(interval[0]).toBeCloseTo(g.delong.interval[0]!, PLACES);
    expect(interval[1]).toBeCloseTo(g.delong.interval[1]!, PLACES);
  });
});

describe('against numpy', () => {
  it.each(golden.wilson)('Wilson interval of %i out of %i', (k, n, low, high) => {
    const interval = wilsonInterval(k, n);
    if (!isDefined(interval)) throw new Error(interval.undefined);
    expect(interval[0]).toBeCloseTo(low, 8);
    expect(interval[1]).toBeCloseTo(high, 8);
  });

  it.each(golden.quantiles)('quantile %f', (q, value) => {
    expect(quantile([1, 2, 4, 8, 16], q)).toBeCloseTo(value, 12);
  });
});
