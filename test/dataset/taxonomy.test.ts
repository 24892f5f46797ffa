import { describe, expect, it } from 'vitest';
import { ShapeError, UsageError } from '../../src/core/errors.ts';
import { positiveProbability, taxonomyFor, validateTaxonomy } from '../../src/dataset/taxonomy.ts';

describe('taxonomyFor', () => {
  it.each([
    [
      ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'],
      ['akiec', 'bcc', 'mel'],
    ],
    [
      ['AK', 'BCC', 'BKL', 'DF', 'MEL', 'NV', 'SCC', 'VASC'],
      ['AK', 'BCC', 'MEL', 'SCC'],
    ],
    [['melanoma', 'nevus', 'seborrheic_keratosis'], ['melanoma']],
    [['Basal cell carcinoma', 'Melanocytic nevi'], ['Basal cell carcinoma']],
    [["Bowen's disease", 'naevus'], ["Bowen's disease"]],
    [['benign', 'malignant'], ['malignant']],
  ])('knows %j', (labels, positiveLabels) => {
    expect(taxonomyFor(labels)).toEqual({ positive: 'malignant', negative: 'benign', positiveLabels });
  });

  it.each([[['cat', 'dog']], [['mel', 'nv', 'unknown']], [['mel', 'bcc']], [['nv', 'df']], [[]]])(
    'has none for %j',
    (labels: string[]) => {
      expect(taxonomyFor(labels)).toBeUndefined();
    },
  );
});

describe('positiveProbability', () => {
  const labels = ['bcc', 'mel', 'nv'];
  const taxonomy = { positive: 'malignant', negative: 'benign', positiveLabels: ['mel', 'bcc'] };

  it('sums the positive labels', () => {
    expect(positiveProbability(taxonomy, labels, [0.25, 0.5, 0.25])).toBe(0.75);
    expect(positiveProbability(taxonomy, labels, Float32Array.of(0.6, 0.4000001, 0))).toBe(1);
    expect(() => positiveProbability(taxonomy, labels, [1])).toThrow(ShapeError);
  });
});

describe('validateTaxonomy', () => {
  const labels = ['a', 'b', 'c'];
  const good = { positive: 'yes', negative: 'no', positiveLabels: ['a'] };

  it('accepts one that answers its question', () => {
    validateTaxonomy(good, labels);
  });

  it.each([
    { ...good, positiveLabels: ['x'] },
    { ...good, positiveLabels: ['a', 'a'] },
    { ...good, positiveLabels: [] },
    { ...good, positiveLabels: ['a', 'b', 'c'] },
    { ...good, negative: 'yes' },
    { ...good, positive: '' },
  ])('refuses %j', (taxonomy) => {
    expect(() => validateTaxonomy(taxonomy, labels)).toThrow(UsageError);
  });
});
