import { DataError } from '../core/errors.ts';
import type { AucVariance } from './delong.ts';
import { type Metric, undefinedBecause } from './metric.ts';
import { twoSidedP } from './normal.ts';

/**
 * Two-sided p of the hypothesis that two independent samples have the same AUC:
 * z = (AUC₁ − AUC₂) / √(variance₁ + variance₂). For two models on the same examples see `deLongTest`.
 *
 * @param first `deLong` of one sample
 * @param second `deLong` of the other
 * @returns undefined where a variance is 0, as of perfect scores: too few examples to tell
 * @see Hanley & McNeil 1983, doi:10.1148/radiology.148.3.6878708
 */
export function compareAucs(first: AucVariance, second: AucVariance): Metric {
  if (first.variance === 0 || second.variance === 0) {
    return undefinedBecause('the variance estimate is 0: too few examples to tell');
  }
  return twoSidedP((first.auc - second.auc) / Math.sqrt(first.variance + second.variance));
}

/**
 * Two-sided p of the hypothesis that two independent samples have the same share of successes, a of m and b of n: the N − 1
 * test. With N = m + n and p = (a + b)/N:
 *
 *     z² = (N − 1)/N · (a/m − b/n)² / (p (1 − p)(1/m + 1/n))
 *
 * @param a successes in the first sample; may be fractional (effective counts)
 * @param m size of the first
 * @param b successes in the second
 * @param n size of the second
 * @returns undefined where an expected count is below 1, for there the test does not hold
 * @throws {DataError} if the counts are impossible
 * @see Campbell 2007, doi:10.1002/sim.2832
 */
export function compareProportions(a: number, m: number, b: number, n: number): Metric {
  if (!(a >= 0 && a <= m && m > 0 && m < Infinity && b >= 0 && b <= n && n > 0 && n < Infinity)) {
    throw new DataError(
      'evaluate/proportion',
      `compareProportions: expected shares, got ${a} of ${m} and ${b} of ${n}`,
    );
  }
  const pooled = (a + b) / (m + n);
  if (Math.min(pooled, 1 - pooled) * Math.min(m, n) < 1) return undefinedBecause('an expected count is below 1');
  const z = (a / m - b / n) / Math.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n));
  return twoSidedP(z * Math.sqrt((m + n - 1) / (m + n)));
}
