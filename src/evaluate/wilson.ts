import { DataError } from '../core/errors.ts';
import { type IntervalMetric, undefinedBecause } from './metric.ts';

/** The 97.5 % point of the standard normal distribution. */
export const Z95 = 1.959963984540054;

/**
 * Wilson's score interval of a proportion, 95 % unless told. With p = successes / n:
 *
 *     (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n)
 *
 * Holds at small n and at p = 0 and 1, where p ± 1.96 √(p (1 − p)/n) does not.
 *
 * @param successes in [0, n]
 * @param n number of independent trials
 * @param z normal quantile; 1.96 is 95 %
 * @returns undefined for n = 0
 * @throws {DataError} if the counts are impossible
 * @see Wilson 1927, doi:10.1080/01621459.1927.10502953
 */
export function wilsonInterval(successes: number, n: number, z: number = Z95): IntervalMetric {
  if (!(successes >= 0 && successes <= n && n < Infinity)) {
    throw new DataError('evaluate/proportion', `wilsonInterval: expected 0 ≤ successes ≤ n, got ${successes} of ${n}`);
  }
  if (n === 0) return undefinedBecause('no examples');
  const p = successes / n;
  const share = (z * z) / n;
  const centre = p + share / 2;
  const half = z * Math.sqrt((p * (1 - p)) / n + share / (4 * n));
  // At the ends the bound is exactly 0 or 1; rounding must not move it.
  const low = successes === 0 ? 0 : (centre - half) / (1 + share);
  const high = successes === n ? 1 : (centre + half) / (1 + share);
  return [low, high];
}
