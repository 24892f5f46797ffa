import { describe, expect, it } from 'vitest';
import { NumericError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import type { Taxonomy } from '../../src/dataset/types.ts';
import { probabilitiesAt } from '../../src/evaluate/calibrate/temperature.ts';
import { countsAt } from '../../src/evaluate/counts.ts';
import { positiveProbabilities } from '../../src/evaluate/metrics.ts';
import { QUALITY_LIMITS } from '../../src/model/quality.ts';
import { overlay, type PartialConfig, parseConfig, presetConfig } from '../../src/train/config.ts';
import { settle, type ValidationAnswers } from '../../src/train/settle.ts';

const LABELS = ['bcc', 'mel', 'nv'];
const TAXONOMY: Taxonomy = { positive: 'malignant', negative: 'benign', positiveLabels: ['bcc', 'mel'] };

function answers(n: number, seed = 1): ValidationAnswers {
  const rng = rngOf(seed, 'answers');
  const targets = Array.from({ length: n }, () => (rng.next() < 0.7 ? 2 : rng.int(0, 1)));
  return {
    logits: targets.flatMap((t) => LABELS.map((_, c) => (c === t ? 2 : 0) + 2 * rng.normal())),
    classes: 3,
    views: targets.map(() => 1),
    targets,
    oodScores: Float32Array.from(targets, () => 10 + rng.normal()),
    qualities: [],
  };
}
const config = (over: PartialConfig = {}) => parseConfig(overlay(presetConfig('quick', 'data'), over), 'test');

describe('settle', () => {
  const validation = answers(500);

  it('settles temperature, threshold and limits', () => {
    const settled = settle(validation, LABELS, TAXONOMY, config());
    expect(settled.calibration?.temperature).toBeGreaterThan(1);
    expect(settled.calibration?.n).toBe(500);
    const { threshold, sensitivity, specificity, n, rule } = settled.operatingPoint!;
    expect(rule).toEqual({ kind: 'sensitivity', atLeast: 0.95 });
    expect(n).toBe(500);
    // The threshold is one of the calibrated probability.
    const p = positiveProbabilities(LABELS, TAXONOMY, probabilitiesAt(validation, settled.calibration!.temperature));
    const counts = countsAt(
      p,
      validation.targets.map((t) => t < 2),
      threshold,
    );
    expect(counts.truePositives / (counts.truePositives + counts.falseNegatives)).toBe(sensitivity);
    expect(counts.trueNegatives / (counts.trueNegatives + counts.falsePositives)).toBe(specificity);
    expect(sensitivity).toBeGreaterThanOrEqual(0.95);
    const above = validation.oodScores!.filter((s) => s > settled.ood!.threshold).length;
    expect(above).toBe(5);
    expect(settled.quality).toEqual(QUALITY_LIMITS);
  });

  it('follows the settings', () => {
    const none = settle(validation, LABELS, TAXONOMY, config({ calibration: 'none', oodQuantile: null }));
    expect(none.calibration).toBeUndefined();
    expect(none.ood).toBeUndefined();
    const youden = settle(validation, LABELS, TAXONOMY, config({ operatingPoint: { rule: 'youden' } })).operatingPoint!;
    const at95 = settle(validation, LABELS, TAXONOMY, config()).operatingPoint!;
    expect(youden.sensitivity + youden.specificity).toBeGreaterThan(at95.sensitivity + at95.specificity);
    const cost = (falseNegative: number) =>
      settle(validation, LABELS, TAXONOMY, config({ operatingPoint: { rule: 'cost', falseNegative } })).operatingPoint!;
    expect(cost(20).threshold).toBeLessThan(cost(1).threshold);
    expect(settle(validation, LABELS, undefined, config()).operatingPoint).toBeUndefined();
    expect(settle({ ...validation, oodScores: undefined }, LABELS, TAXONOMY, config()).ood).toBeUndefined();
  });

  it('chooses no threshold where validation has only one answer', () => {
    const benign = { ...validation, targets: validation.targets.map(() => 2) };
    const settled = settle(benign, LABELS, TAXONOMY, config());
    expect(settled.operatingPoint).toBeUndefined();
    expect(settled.calibration?.platt).toBeUndefined();
    expect(settled.calibration?.temperature).toBeGreaterThan(0);
  });

  it('cannot do without validation images', () => {
    const nothing = { logits: [], classes: 3, views: [], targets: [], oodScores: undefined, qualities: [] };
    expect(() => settle(nothing, LABELS, TAXONOMY, config())).toThrow(NumericError);
  });
});

describe('the settings', () => {
  it('of runs from before have the defaults', () => {
    const { calibration, operatingPoint, oodQuantile, ...old } = config();
    expect(parseConfig(old, 'test')).toMatchObject({ calibration, operatingPoint, oodQuantile });
  });

  it('replace a rule rather than mix it with another', () => {
    expect(config({ operatingPoint: { rule: 'cost', falseNegative: 5 } }).operatingPoint).toEqual({
      rule: 'cost',
      falseNegative: 5,
    });
    expect(config({ operatingPoint: { rule: 'sensitivity', target: 0.9 } }).operatingPoint).toEqual({
      rule: 'sensitivity',
      target: 0.9,
    });
    expect(() => config({ operatingPoint: { rule: 'sensitivity', target: 1.2 } })).toThrow('operatingPoint');
  });
});
