import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cohenKappa, f1Scores, matthewsCorrelation } from '../../src/evaluate/agreement.ts';
import { averagePrecision } from '../../src/evaluate/average-precision.ts';
import { brierDecomposition, brierScore, brierScoreOfClasses } from '../../src/evaluate/brier.ts';
import { calibrationLine } from '../../src/evaluate/calibration-line.ts';
import { clusteredProportion, effectiveCounts } from '../../src/evaluate/clustered-proportion.ts';
import { confusionMatrix } from '../../src/evaluate/confusion.ts';
import { countsAt } from '../../src/evaluate/counts.ts';
import { decisionCurve } from '../../src/evaluate/decision-curve.ts';
import { aucCovariance, deLong, deLongInterval95, placements } from '../../src/evaluate/delong.ts';
import { deLongTest } from '../../src/evaluate/delong-test.ts';
import { diagnosticRates, predictiveValuesAt } from '../../src/evaluate/diagnostic-rates.ts';
import { allApart } from '../../src/evaluate/groups.ts';
import { type Estimate, isDefined, isUndefined, type Metric, type Undefined } from '../../src/evaluate/metric.ts';
import { adjustPValues } from '../../src/evaluate/multiplicity.ts';
import { twoSidedP } from '../../src/evaluate/normal.ts';
import { chooseOperatingPoint } from '../../src/evaluate/operating-point.ts';
import { partialAuc } from '../../src/evaluate/partial-auc.ts';
import { calibrationError, reliabilityCurve } from '../../src/evaluate/reliability.ts';
import { precisionOfProportion } from '../../src/evaluate/sample-size.ts';
import { compareProportions } from '../../src/evaluate/two-samples.ts';

const numbers = z.array(z.number());
const errors = z.object({ width: z.number(), mass: z.number(), observed: numbers, predicted: numbers });
const golden = z
  .object({
    scored: z.record(
      z.string(),
      z.object({
        y: numbers,
        p: numbers,
        q: numbers,
        groups: numbers,
        proc: z.object({
          auc: z.number(),
          interval: numbers,
          variance: z.number(),
          covariance: z.number(),
          z: z.number(),
          pValue: z.number(),
          difference95: numbers,
          partialAuc: z.number(),
          youden: z.number(),
        }),
        challenge: z.number(),
        challengeAt90: z.number(),
        averagePrecision: z.number(),
        clusteredVariance: z.number(),
        positiveShare: z.object({ designEffect: z.number(), interval: numbers }),
        brier: z.object({
          brier: z.number(),
          reliability: z.number(),
          resolution: z.number(),
          uncertainty: z.number(),
          withinBins: z.number(),
        }),
        errors,
        errors7: errors,
        calibration: z.object({ intercept: numbers, slope: numbers, interceptAtSlope1: numbers }),
        netBenefit: z.array(numbers),
        netBenefitAt: z.array(numbers),
        threshold: z.number(),
        rates: z.object({
          counts: numbers,
          sensitivity: numbers,
          specificity: numbers,
          ppv: numbers,
          npv: numbers,
          accuracy: numbers,
          positiveLikelihoodRatio: numbers,
          negativeLikelihoodRatio: numbers,
          prevalence: z.number(),
          ppvAt: numbers,
          npvAt: numbers,
        }),
      }),
    ),
    classes: z.record(
      z.string(),
      z.object({
        classes: z.number(),
        targets: numbers,
        predicted: numbers,
        kappa: numbers,
        matthews: z.number(),
        f1: numbers,
        used: numbers,
        macro: z.number(),
        micro: z.number(),
        weighted: z.number(),
        probabilities: numbers,
        brier: z.number(),
      }),
    ),
    twoSidedP: z.array(z.tuple([z.number(), z.number()])),
    adjusted: z.object({ pValues: numbers, holm: numbers, benjaminiHochberg: numbers }),
    proportions: z.array(z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])),
    halfWidth: z.array(z.tuple([z.number(), z.number(), z.number()])),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/statistics.json', import.meta.url), 'utf8')));

/** Float64 in another order of summation; the fits of statsmodels stop at about this. */
const TOLERANCE = 1e-8;

function near(got: Metric, expected: number): void {
  if (!isDefined(got)) throw new Error(got.undefined);
  expect(Math.abs(got - expected)).toBeLessThan(TOLERANCE * Math.max(1, Math.abs(expected)));
}

function nearAll(got: readonly Metric[] | Undefined, expected: readonly number[]): void {
  if (isUndefined(got)) throw new Error(got.undefined);
  expect(got).toHaveLength(expected.length);
  got.forEach((value, i) => {
    near(value, expected[i]!);
  });
}

function nearEstimate({ value, interval95 }: Estimate, [middle, ...ends]: readonly number[]): void {
  near(value, middle!);
  nearAll(interval95, ends);
}

function there<T extends object | number>(value: T | Undefined): T {
  if (isUndefined(value)) throw new Error(value.undefined);
  return value;
}

describe.each(Object.entries(golden.scored))('scored examples: %s', (_, g) => {
  const groups = g.groups.map(String);

  it('AUC, variance, covariance and test of DeLong: pROC', () => {
    const estimate = there(deLong(g.p, g.y));
    near(estimate.auc, g.proc.auc);
    near(estimate.variance, g.proc.variance);
    nearAll(deLongInterval95(g.p, g.y), g.proc.interval);
    const [first, second] = [there(placements(g.p, g.y)), there(placements(g.q, g.y))];
    near(aucCovariance(first, second, g.y, allApart(g.y.length)), g.proc.covariance);
    const test = there(deLongTest(g.p, g.q, g.y));
    near(test.z, g.proc.z);
    near(test.pValue, g.proc.pValue);
    nearAll(test.difference95, g.proc.difference95);
    near(test.second - test.first, test.difference);
  });

  it('variance of the AUC over groups: the definition by pairs', () => {
    near(there(deLong(g.p, g.y, groups)).variance, g.clusteredVariance);
    // Not the same as without: there is something to be tested.
    expect(Math.abs(g.clusteredVariance / g.proc.variance - 1)).toBeGreaterThan(0.02);
  });

  it('partial AUC: the definition of the challenge, and pROC', () => {
    near(partialAuc(g.p, g.y), g.challenge);
    near(partialAuc(g.p, g.y, 0.9), g.challengeAt90);
    near(partialAuc(g.p, g.y), g.proc.partialAuc);
    near(partialAuc(g.p, g.y, 0), g.proc.auc);
  });

  it('average precision: scikit-learn', () => {
    near(averagePrecision(g.p, g.y), g.averagePrecision);
  });

  it('the largest Youden index: pROC', () => {
    const point = there(chooseOperatingPoint(g.p, g.y, { kind: 'youden' }));
    near(point.sensitivity + point.specificity - 1, g.proc.youden);
  });

  it('a proportion over groups: statsmodels on effective counts', () => {
    const right = g.p.map((p) => p >= g.threshold);
    near(effectiveCounts(right, groups).designEffect, g.positiveShare.designEffect);
    nearAll(clusteredProportion(right, groups).interval95, g.positiveShare.interval);
  });

  it('Brier score and its parts: scikit-learn, numpy', () => {
    const parts = there(brierDecomposition(g.p, g.y));
    near(brierScore(g.p, g.y), g.brier.brier);
    for (const key of ['brier', 'reliability', 'resolution', 'uncertainty', 'withinBins'] as const) {
      near(parts[key], g.brier[key]);
    }
    near(parts.reliability - parts.resolution + parts.uncertainty + parts.withinBins, parts.brier);
    near(parts.skill, 1 - g.brier.brier / g.brier.uncertainty);
  });

  it('reliability curve and calibration errors: scikit-learn, numpy', () => {
    const curve = reliabilityCurve(g.p, g.y);
    nearAll(
      curve.map((bin) => bin.observed),
      g.errors.observed,
    );
    nearAll(
      curve.map((bin) => bin.predicted),
      g.errors.predicted,
    );
    near(calibrationError(g.p, g.y), g.errors.width);
    near(calibrationError(g.p, g.y, { binning: 'mass' }), g.errors.mass);
    near(calibrationError(g.p, g.y, { bins: 7 }), g.errors7.width);
    near(calibrationError(g.p, g.y, { bins: 7, binning: 'mass' }), g.errors7.mass);
  });

  it('calibration slope and intercepts with intervals: statsmodels', () => {
    const line = calibrationLine(g.p, g.y);
    nearEstimate(line.slope, g.calibration.slope);
    nearEstimate(line.intercept, g.calibration.intercept);
    nearEstimate(line.interceptAtSlope1, g.calibration.interceptAtSlope1);
  });

  it('net benefit: the definition', () => {
    for (const [expected, prevalence] of [
      [g.netBenefit, undefined],
      [g.netBenefitAt, 0.02],
    ] as const) {
      const thresholds = expected.map(([t]) => t!);
      const curve = there(decisionCurve(g.p, g.y, { thresholds, prevalence }));
      curve.forEach((at, k) => {
        nearAll([at.threshold, at.model, at.all], expected[k]!);
        expect(at.none).toBe(0);
      });
    }
  });

  it('rates at a threshold: statsmodels, log and logit methods', () => {
    const counts = countsAt(g.p, g.y, g.threshold);
    expect([counts.truePositives, counts.falsePositives, counts.trueNegatives, counts.falseNegatives]).toEqual(
      g.rates.counts,
    );
    const rates = diagnosticRates(counts);
    for (const key of [
      'sensitivity',
      'specificity',
      'ppv',
      'npv',
      'accuracy',
      'positiveLikelihoodRatio',
      'negativeLikelihoodRatio',
    ] as const) {
      nearEstimate(rates[key], g.rates[key]);
    }
    const at = predictiveValuesAt(counts, g.rates.prevalence);
    nearEstimate(at.ppv, g.rates.ppvAt);
    nearEstimate(at.npv, g.rates.npvAt);
  });
});

describe.each(Object.entries(golden.classes))('classes: %s', (_, g) => {
  const matrix = confusionMatrix(g.targets, g.predicted, g.classes);

  it('kappas and the correlation of Matthews: scikit-learn', () => {
    nearAll([cohenKappa(matrix), cohenKappa(matrix, 'linear'), cohenKappa(matrix, 'quadratic')], g.kappa);
    near(matthewsCorrelation(matrix), g.matthews);
  });

  it('F1: scikit-learn', () => {
    const scores = f1Scores(matrix);
    nearAll(
      g.used.map((c) => scores.perClass[c]!),
      g.f1,
    );
    near(scores.macro, g.macro);
    near(scores.micro, g.micro);
    near(scores.weighted, g.weighted);
  });

  it('Brier score of several classes: the definition', () => {
    near(brierScoreOfClasses(g.probabilities, g.targets, g.classes), g.brier);
  });
});

describe('tests', () => {
  it.each(golden.twoSidedP)('p of z = %f: scipy', (at, p) => {
    // Relative: a p of 1e-197 counts as well.
    expect(Math.abs(twoSidedP(at) / p - 1)).toBeLessThan(1e-11);
    expect(twoSidedP(-at)).toBe(twoSidedP(at));
  });

  it('p values of many tests: statsmodels', () => {
    nearAll(adjustPValues(golden.adjusted.pValues, 'holm'), golden.adjusted.holm);
    nearAll(adjustPValues(golden.adjusted.pValues, 'benjamini-hochberg'), golden.adjusted.benjaminiHochberg);
  });

  it.each(golden.proportions)('%i of %i against %i of %i: statsmodels, N − 1', (a, m, b, n, p) => {
    near(compareProportions(a, m, b, n), p);
  });

  it.each(golden.halfWidth)('%i of %i needs how many for half the width: scipy', (k, n, size) => {
    expect(precisionOfProportion(k, n, { name: 'Sensitivity' }).nToHalve).toBe(Math.ceil(size));
  });
});
