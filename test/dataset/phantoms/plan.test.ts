import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Lesion, malignancyLogit, PIGMENTS, planPhantoms, SITES } from '../../../src/dataset/phantoms/plan.ts';
import { FITZPATRICK } from '../../../src/dataset/phantoms/skin-colour.ts';

function lesionsOf(count: number, seed: number): Lesion[] {
  return [...new Set(planPhantoms({ count, seed }).map((shot) => shot.lesion))];
}

/** Area under the ROC curve by counting pairs, ties as half. */
function aucOf(lesions: readonly Lesion[], score: (lesion: Lesion) => number): number {
  const positive = lesions.filter((lesion) => lesion.malignant).map(score);
  const negative = lesions.filter((lesion) => !lesion.malignant).map(score);
  let wins = 0;
  for (const p of positive) for (const n of negative) wins += p > n ? 1 : p === n ? 0.5 : 0;
  return wins / (positive.length * negative.length);
}

const large = lesionsOf(6600, 1);

describe('the drawing model', () => {
  it('lets the best reader reach an AUC of about 0.95, with 30–40 % malignant, for any seed', () => {
    for (const seed of [1, 2, 3, 4]) {
      const lesions = lesionsOf(6600, seed).slice(0, 4000);
      expect(lesions.length).toBe(4000);
      const auc = aucOf(lesions, (lesion) => lesion.score);
      expect(auc).toBeGreaterThan(0.93);
      expect(auc).toBeLessThan(0.97);
      const share = lesions.filter((lesion) => lesion.malignant).length / lesions.length;
      expect(share).toBeGreaterThan(0.3);
      expect(share).toBeLessThan(0.4);
    }
  });

  it('has a score that is a true log-odds: among lesions of about one score, that share is malignant', () => {
    const everything = [1, 2, 3, 4, 5].flatMap((seed) => lesionsOf(6600, seed));
    for (const [low, high] of [
      [-3, -1],
      [-1, 1],
      [1, 3],
    ] as const) {
      const some = everything.filter((lesion) => lesion.score >= low && lesion.score < high);
      const expected = some.reduce((sum, lesion) => sum + 1 / (1 + Math.exp(-lesion.score)), 0) / some.length;
      const observed = some.filter((lesion) => lesion.malignant).length / some.length;
      // Four standard errors of a share
      expect(Math.abs(observed - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / some.length));
    }
  });

  it('shows malignancy in each of the four attributes, in none alone as well as in all', () => {
    const attributes: readonly ((lesion: Lesion) => number)[] = [
      (lesion) => lesion.asymmetry,
      (lesion) => lesion.border,
      (lesion) => lesion.pigments.length,
      (lesion) => lesion.diameter,
    ];
    const best = aucOf(large, (lesion) => lesion.score);
    for (const attribute of attributes) {
      const auc = aucOf(large, attribute);
      expect(auc).toBeGreaterThan(0.75);
      expect(auc).toBeLessThan(best - 0.02);
    }
  });

  it('tells nothing by shortcuts: site, skin type, ruler and hair', () => {
    const shots = planPhantoms({ count: 6600, seed: 1 });
    const share = (some: typeof shots): number => some.filter((s) => s.lesion.malignant).length / some.length;
    const all = share(shots);
    for (const site of SITES)
      expect(Math.abs(share(shots.filter((s) => s.lesion.patient.source === site)) - all)).toBeLessThan(0.06);
    for (const type of FITZPATRICK)
      expect(Math.abs(share(shots.filter((s) => s.lesion.patient.fitzpatrick === type)) - all)).toBeLessThan(0.08);
    expect(Math.abs(share(shots.filter((s) => s.ruler)) - all)).toBeLessThan(0.06);
    expect(Math.abs(share(shots.filter((s) => s.hair > 8)) - all)).toBeLessThan(0.06);
  });

  it('rises with every attribute', () => {
    const unit = fc.double({ min: 0, max: 0.9, noNaN: true });
    fc.assert(
      fc.property(
        unit,
        unit,
        fc.integer({ min: 1, max: 5 }),
        fc.double({ min: 2, max: 11, noNaN: true }),
        (a, b, c, d) => {
          const base = { asymmetry: a, border: b, colors: c, diameter: d };
          const logit = malignancyLogit(base);
          expect(malignancyLogit({ ...base, asymmetry: a + 0.1 })).toBeGreaterThan(logit);
          expect(malignancyLogit({ ...base, border: b + 0.1 })).toBeGreaterThan(logit);
          expect(malignancyLogit({ ...base, colors: c + 1 })).toBeGreaterThan(logit);
          expect(malignancyLogit({ ...base, diameter: d + 0.5 })).toBeGreaterThan(logit);
        },
      ),
    );
  });
});

describe('planPhantoms', () => {
  it('gives exactly the pictures asked for; a longer plan begins with the shorter one', () => {
    const long = planPhantoms({ count: 120, seed: 5 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 120 }), (count) => {
        expect(planPhantoms({ count, seed: 5 })).toEqual(long.slice(0, count));
      }),
      { numRuns: 20 },
    );
    expect(new Set(long.map((shot) => shot.id)).size).toBe(120);
    expect(planPhantoms({ count: 120, seed: 6 })).not.toEqual(long);
  });

  it('has several pictures of some lesions and several lesions of some patients', () => {
    expect(6600 / large.length).toBeGreaterThan(1.5);
    expect(6600 / large.length).toBeLessThan(1.7);
    const patients = new Set(large.map((lesion) => lesion.patient)).size;
    expect(large.length / patients).toBeGreaterThan(1.3);
    expect(large.length / patients).toBeLessThan(1.6);
  });

  it('stays in range and covers every skin type, site and pigment', () => {
    for (const { asymmetry, border, diameter, pigments, patient } of large) {
      expect(asymmetry > 0 && asymmetry < 1 && border > 0 && border < 1).toBe(true);
      expect(diameter >= 2.5 && diameter <= 11.5 && patient.age >= 18 && patient.age <= 90).toBe(true);
      expect(new Set(pigments).size).toBe(pigments.length);
      expect(pigments.length >= 1 && pigments.length <= 6).toBe(true);
    }
    expect(new Set(large.map((lesion) => lesion.patient.fitzpatrick)).size).toBe(FITZPATRICK.length);
    expect(new Set(large.map((lesion) => lesion.patient.source)).size).toBe(SITES.length);
    expect(new Set(large.flatMap((lesion) => lesion.pigments)).size).toBe(PIGMENTS.length);
  });
});
