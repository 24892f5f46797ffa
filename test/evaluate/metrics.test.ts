import { describe, expect, it } from 'vitest';
import { DataError, NumericError, ShapeError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import type { Taxonomy } from '../../src/dataset/types.ts';
import { isDefined } from '../../src/evaluate/metric.ts';
import { evaluatePredictions } from '../../src/evaluate/metrics.ts';

const labels = ['bcc', 'mel', 'nv'];
const taxonomy: Taxonomy = { positive: 'malignant', negative: 'benign', positiveLabels: ['mel', 'bcc', 'scc'] };
const targets = [0, 1, 1, 2, 2, 2];
const probabilities = Float32Array.from(
  [
    [0.6, 0.2, 0.2],
    [0.3, 0.3, 0.4],
    [0.1, 0.2, 0.7],
    [0.25, 0.25, 0.5],
    [0.1, 0.2, 0.7],
    [0, 0.1, 0.9],
  ].flat(),
);

describe('evaluatePredictions', () => {
  it('answers the fine question by the most probable class and the coarse one by summing', () => {
    const metrics = evaluatePredictions({ labels, targets, probabilities, taxonomy });
    expect(metrics).toMatchObject({
      schemaVersion: 1,
      n: 6,
      nGroups: 6,
      labels,
      confusionMatrix: [
        [1, 0, 0],
        [0, 0, 2],
        [0, 0, 3],
      ],
      accuracy: 4 / 6,
      balancedAccuracy: 2 / 3,
    });
    expect(metrics.perClass[1]).toMatchObject({
      label: 'mel',
      n: 2,
      sensitivity: 0,
      precision: { undefined: 'never predicted' },
    });
    // Sums: 0.8, 0.6, 0.3 | 0.5, 0.3, 0.1. Pairs: 3 + 3 + (0 + ½ + 1) of 9.
    expect(metrics.malignant).toMatchObject({
      name: 'malignant',
      positiveLabels: ['bcc', 'mel'],
      n: 6,
      nPositive: 3,
      threshold: 0.5,
      truePositives: 2,
      falsePositives: 1,
      trueNegatives: 2,
      falseNegatives: 1,
      sensitivity: 2 / 3,
      specificity: 2 / 3,
    });
    expect(metrics.malignant?.auc).toBeCloseTo(7.5 / 9, 12);
  });

  it('names the class most above its prior where priors are given, and leaves AUCs alone', () => {
    // Nine of ten are of the first class, and the model is no better than that: relative to it, each answer is a tie.
    const n = 400;
    const rng = rngOf(8, 'test');
    const truth = Array.from({ length: n }, (_, i) => (i % 10 === 0 ? 1 : 0));
    const rows = truth.flatMap((t) => {
      const rare = Math.min(0.9, Math.max(0.01, (t === 1 ? 0.25 : 0.08) + rng.normal() * 0.08));
      return [1 - rare, rare];
    });
    const data = { labels: ['nv', 'mel'], targets: truth, probabilities: Float32Array.from(rows), taxonomy };
    const probable = evaluatePredictions(data);
    const balanced = evaluatePredictions({ ...data, priors: [0.9, 0.1] });
    const value = (metric: unknown): number => (typeof metric === 'number' ? metric : Number.NaN);
    expect(value(balanced.balancedAccuracy)).toBeGreaterThan(value(probable.balancedAccuracy) + 0.2);
    expect(value(balanced.accuracy)).toBeLessThan(value(probable.accuracy));
    expect(balanced.macroAuc).toBe(probable.macroAuc);
    expect(balanced.malignant).toEqual(probable.malignant);
    expect(evaluatePredictions({ ...data, priors: [0.5, 0.5] })).toEqual(probable);
  });

  it('has no coarse answer without a taxonomy', () => {
    expect(evaluatePredictions({ labels, targets, probabilities })).not.toHaveProperty('malignant');
  });

  it('survives JSON unchanged, whatever is undefined', () => {
    for (const some of [[], [2], [2, 2], [0, 1, 2]]) {
      const metrics = evaluatePredictions({
        labels,
        targets: some,
        probabilities: probabilities.slice(0, some.length * 3),
        taxonomy,
      });
      expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
      expect(JSON.stringify(metrics)).not.toContain('null');
    }
  });

  it('widens intervals where images share a lesion', () => {
    const rng = rngOf(5, 'test');
    const n = 400;
    const many = Array.from({ length: n }, (_, i) => (i % 100 < 40 ? 0 : 1));
    // The four images of a lesion are the same, so there is evidence for 100, not for 400.
    const lesion = Array.from({ length: 100 }, (_, i) =>
      Math.min(0.99, Math.max(0.01, (many[i] === 0 ? 0.6 : 0.4) + rng.normal() / 5)),
    );
    const p = Float32Array.from({ length: n * 2 }, (_, k) => {
      const value = lesion[Math.floor(k / 2) % 100]!;
      return k % 2 === 0 ? value : 1 - value;
    });
    const groups = Array.from({ length: n }, (_, i) => `lesion ${i % 100}`);
    const data = { labels: ['mel', 'nv'], targets: many, probabilities: p, taxonomy };
    const grouped = evaluatePredictions({ ...data, groups }, { seed: 1 });
    const naive = evaluatePredictions(data, { seed: 1 });
    const width = (interval: unknown): number => (Array.isArray(interval) ? interval[1] - interval[0] : Number.NaN);
    expect(grouped.nGroups).toBe(100);
    expect(width(grouped.balancedAccuracy95) / width(naive.balancedAccuracy95)).toBeGreaterThan(1.6);
    expect(width(grouped.malignant?.auc95Grouped) / width(grouped.malignant?.auc95)).toBeGreaterThan(1.6);
    expect(naive.malignant).not.toHaveProperty('auc95Grouped');
    const bootstrapped = grouped.balancedAccuracy95;
    expect(
      isDefined(bootstrapped) && isDefined(grouped.balancedAccuracy) && bootstrapped[0] < grouped.balancedAccuracy,
    ).toBe(true);
  });

  it('is the same for the same seed', () => {
    const of = (seed: number): unknown => evaluatePredictions({ labels, targets, probabilities, taxonomy }, { seed });
    expect(of(4)).toEqual(of(4));
  });

  it('refuses what does not fit', () => {
    expect(() => evaluatePredictions({ labels, targets: [0], probabilities })).toThrow(ShapeError);
    expect(() => evaluatePredictions({ labels, targets, probabilities, groups: ['a'] })).toThrow(ShapeError);
    expect(() => evaluatePredictions({ labels: ['one'], targets: [0], probabilities: [1] })).toThrow(DataError);
    expect(() => evaluatePredictions({ labels, targets: [0, 1, 1, 2, 2, -1], probabilities })).toThrow(DataError);
    expect(() => evaluatePredictions({ labels, targets: [0], probabilities: [0.5, Number.NaN, 0.5] })).toThrow(
      'example 0, class mel: expected a probability in [0, 1], got NaN',
    );
    expect(() => evaluatePredictions({ labels, targets: [0], probabilities: [3, -1, 1] })).toThrow(NumericError);
  });
});
