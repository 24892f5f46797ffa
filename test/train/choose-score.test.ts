import { describe, expect, it } from 'vitest';
import { deLong } from '../../src/evaluate/delong.ts';
import { undefinedBecause } from '../../src/evaluate/metric.ts';
import { questionAuc, questionAucError } from '../../src/evaluate/question-auc.ts';
import { chooseScore, type ProbeScore } from '../../src/train/linear-probe.ts';

const scored = (auc: number, error = 0.01): ProbeScore => ({ auc, error, balancedAccuracy: 0.5 });

describe('chooseScore', () => {
  it('takes the last that the probe cannot tell from the best', () => {
    expect(chooseScore([0.8, 0.838, 0.831, 0.836, 0.82, 0.78].map((a) => scored(a)))).toBe(3);
  });

  it('takes the best where nothing comes near it', () => {
    expect(chooseScore([scored(0.7), scored(0.9), scored(0.8)])).toBe(1);
  });

  it('falls back on balanced accuracy where no AUC is defined', () => {
    const without = (balancedAccuracy: number): ProbeScore => ({
      auc: undefinedBecause('one class'),
      error: 0,
      balancedAccuracy,
    });
    expect(chooseScore([without(0.4), without(0.6), without(0.5)])).toBe(1);
  });
});

describe('questionAuc', () => {
  const labels = ['bcc', 'mel', 'nv'];
  const taxonomy = { positive: 'malignant', negative: 'benign', positiveLabels: ['bcc', 'mel'] };
  const targets = [0, 1, 2, 2, 1, 2];
  const probabilities = [0.6, 0.3, 0.1, 0.2, 0.3, 0.5, 0.1, 0.2, 0.7, 0.3, 0.3, 0.4, 0.1, 0.7, 0.2, 0.2, 0.1, 0.7];

  it('is the AUC of the summed positive labels, with DeLong standard error', () => {
    // Sums of bcc and mel: 0.9, 0.5, 0.3, 0.6, 0.8, 0.3; eight of nine pairs are in order.
    expect(questionAuc(labels, taxonomy, probabilities, targets)).toBeCloseTo(8 / 9, 10);
    const one = deLong([0.9, 0.5, 0.3, 0.6, 0.8, 0.3], [true, true, false, false, true, false]);
    expect('variance' in one && Math.sqrt(one.variance)).toBeCloseTo(
      questionAucError(labels, taxonomy, probabilities, targets),
      10,
    );
  });

  it('is the mean over classes without a taxonomy, of those that have examples', () => {
    expect(questionAuc(labels, undefined, probabilities, targets)).toBeGreaterThan(0.5);
    expect(questionAucError(labels, undefined, probabilities, targets)).toBeGreaterThan(0);
  });
});
