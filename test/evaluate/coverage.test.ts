import { describe, expect, it } from 'vitest';
import { type Rng, rngOf } from '../../src/core/rng.ts';
import { aucOf } from '../../src/evaluate/auc.ts';
import { bootstrapInterval } from '../../src/evaluate/bootstrap.ts';
import { clusteredProportion } from '../../src/evaluate/clustered-proportion.ts';
import { deLongInterval95 } from '../../src/evaluate/delong.ts';
import { deLongTest } from '../../src/evaluate/delong-test.ts';
import { type IntervalMetric, isDefined, isUndefined } from '../../src/evaluate/metric.ts';
import { descending, rank } from '../../src/evaluate/ranking.ts';
import { wilsonInterval } from '../../src/evaluate/wilson.ts';

/** How many of the studies an interval covers the truth in. Seeded, so that the figures are what they are. */
function coverage(studies: number, truth: number, study: (rng: Rng, k: number) => IntervalMetric): number {
  let covered = 0;
  for (let k = 0; k < studies; k++) {
    const interval = study(rngOf(17, 'coverage', k), k);
    if (isDefined(interval) && interval[0] <= truth && truth <= interval[1]) covered++;
  }
  return covered / studies;
}

/** Scores of positives are normal about 1.2, of negatives about 0: the AUC is Φ(1.2 / √2). */
const SHIFT = 1.2;
const TRUE_AUC = 0.8019274;

interface Study {
  readonly scores: number[];
  readonly positives: boolean[];
  readonly groups: string[];
}

/** Lesions of 1 to 4 images, whose scores share half of their variance. */
function clustered(rng: Rng, lesions: number): Study {
  const scores: number[] = [];
  const positives: boolean[] = [];
  const groups: string[] = [];
  for (let g = 0; g < lesions; g++) {
    const positive = g % 3 === 0;
    const lesion = rng.normal();
    for (let image = rng.int(1, 4); image > 0; image--) {
      scores.push((positive ? SHIFT : 0) + Math.SQRT1_2 * (lesion + rng.normal()));
      positives.push(positive);
      groups.push(`lesion ${g}`);
    }
  }
  return { scores, positives, groups };
}

describe('95 % intervals cover the truth in 93 to 97 % of simulated studies', () => {
  // Of 1,000 studies the share is known to ± 1.4 % (two standard errors), of 2,000 to ± 1 %.
  const within = (share: number): void => {
    expect(share).toBeGreaterThan(0.93);
    expect(share).toBeLessThan(0.97);
  };

  it('DeLong, independent examples', () => {
    within(
      coverage(2000, TRUE_AUC, (rng) => {
        const positives = Array.from({ length: 200 }, (_, i) => i % 4 === 0);
        const scores = positives.map((positive) => rng.normal() + (positive ? SHIFT : 0));
        return deLongInterval95(scores, positives);
      }),
    );
  });

  it('DeLong over lesions of several images, where the plain one does not', () => {
    const studies = 1000;
    const naive = coverage(studies, TRUE_AUC, (rng) => {
      const { scores, positives } = clustered(rng, 120);
      return deLongInterval95(scores, positives);
    });
    expect(naive).toBeLessThan(0.9);
    within(
      coverage(studies, TRUE_AUC, (rng) => {
        const { scores, positives, groups } = clustered(rng, 120);
        return deLongInterval95(scores, positives, groups);
      }),
    );
  });

  it('the bootstrap over lesions, stratified by class', () => {
    within(
      coverage(1000, TRUE_AUC, (rng, seed) => {
        const { scores, positives, groups } = clustered(rng, 120);
        const order = descending(scores);
        const times = new Float64Array(scores.length);
        return bootstrapInterval(
          groups,
          (rows) => {
            times.fill(0);
            for (const row of rows) times[row]!++;
            return aucOf(rank(scores, positives, times, order));
          },
          { seed, resamples: 200, strata: positives },
        );
      }),
    );
  });

  it('the difference of two AUCs on the same cases', () => {
    // Two readings of the same truth, equally noisy: the true difference is 0.
    within(
      coverage(1500, 0, (rng) => {
        const positives = Array.from({ length: 150 }, (_, i) => i % 3 === 0);
        const shared = positives.map((positive) => rng.normal() + (positive ? 1.5 : 0));
        const reading = (): number[] => shared.map((s) => s + rng.normal());
        const test = deLongTest(reading(), reading(), positives);
        return isUndefined(test) ? test : test.difference95;
      }),
    );
  });

  it('a proportion over lesions, where the plain one does not', () => {
    const study = (rng: Rng): { right: boolean[]; groups: string[] } => {
      const right: boolean[] = [];
      const groups: string[] = [];
      for (let g = 0; g < 100; g++) {
        // The lesion is easy or hard: 0.96 or 0.64, 0.8 in the mean.
        const easy = rng.next() < 0.5;
        for (let image = 3; image > 0; image--) {
          right.push(rng.next() < (easy ? 0.99 : 0.61));
          groups.push(`lesion ${g}`);
        }
      }
      return { right, groups };
    };
    within(
      coverage(2000, 0.8, (rng) => {
        const { right, groups } = study(rng);
        return clusteredProportion(right, groups).interval95;
      }),
    );
    const naive = coverage(2000, 0.8, (rng) => {
      const { right } = study(rng);
      return wilsonInterval(right.filter(Boolean).length, right.length);
    });
    expect(naive).toBeLessThan(0.93);
  });
});

describe("Wilson's interval", () => {
  /** Exact: binomial probabilities of the counts whose interval holds p. */
  const exact = (p: number, n: number): number => {
    let sum = 0;
    let logChoose = 0;
    for (let k = 0; k <= n; k++) {
      if (k > 0) logChoose += Math.log((n - k + 1) / k);
      const interval = wilsonInterval(k, n);
      if (isDefined(interval) && interval[0] <= p && p <= interval[1]) {
        sum += Math.exp(logChoose + k * Math.log(p) + (n - k) * Math.log1p(-p));
      }
    }
    return sum;
  };

  it.each([10, 30, 100, 400])('covers 95 %% on average over all shares, n = %i', (n) => {
    const shares = Array.from({ length: 400 }, (_, k) => (k + 0.5) / 400);
    const mean = shares.reduce((sum, p) => sum + exact(p, n), 0) / shares.length;
    expect(mean).toBeGreaterThan(0.945);
    expect(mean).toBeLessThan(0.96);
  });

  it('goes up and down with the share, for counts are whole: the known price of not being conservative', () => {
    const shares = Array.from({ length: 181 }, (_, k) => 0.05 + k * 0.005);
    const all = shares.map((p) => exact(p, 100));
    expect(Math.min(...all)).toBeGreaterThan(0.92);
    expect(Math.max(...all)).toBeLessThan(0.98);
    // Closest to 0 and 1 it dips lowest (Brown, Cai & DasGupta 2001).
    expect(exact(0.0017, 100)).toBeLessThan(0.86);
  });
});
