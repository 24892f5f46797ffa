import { type Groups, membersOf } from './groups.ts';
import { type Estimate, ratio, undefinedBecause } from './metric.ts';
import { checkLength } from './scored.ts';
import { wilsonInterval } from './wilson.ts';

/** A proportion, and how many independent trials it is worth. */
export interface EffectiveCounts {
  readonly successes: number;
  readonly n: number;
  /** How many images count as much as one independent image would, ≥ 1. */
  readonly designEffect: number;
  /** n / designEffect. */
  readonly effectiveN: number;
}

/**
 * A proportion with Wilson's 95 % interval, over groups: counts are divided by the design effect of Rao and Scott
 * first. With k groups of m_g examples, x_g of them successes, N in all, p the share:
 *
 *     designEffect = k/(k − 1) · Σ (x_g − p m_g)² / (N p (1 − p)),  at least 1
 *
 * 1 where each example is a group of its own; N/k (each group counts once) where p is 0 or 1 and so tells nothing; N
 * where there is one group only. The interval is then Wilson's own.
 *
 * @param successes [n], true or non-zero
 * @param groups [n]
 * @returns undefined without examples
 * @throws {ShapeError} if the lengths differ
 * @see Rao & Scott 1992, doi:10.2307/2532311
 */
export function clusteredProportion(successes: ArrayLike<boolean> | ArrayLike<number>, groups: Groups): Estimate {
  const counts = effectiveCounts(successes, groups);
  if (counts.n === 0) {
    const none = undefinedBecause('no examples');
    return { value: none, interval95: none };
  }
  return {
    value: ratio(counts.successes, counts.n, 'no examples'),
    interval95: wilsonInterval(counts.successes / counts.designEffect, counts.effectiveN),
  };
}

/** Counts of a proportion over groups, and their design effect. */
export function effectiveCounts(successes: ArrayLike<boolean> | ArrayLike<number>, groups: Groups): EffectiveCounts {
  checkLength('clusteredProportion', 'groups', groups.length, successes.length);
  const n = successes.length;
  const sums = membersOf(groups).map((rows) => ({
    m: rows.length,
    x: rows.reduce((sum, row) => sum + (successes[row] ? 1 : 0), 0),
  }));
  const total = sums.reduce((sum, { x }) => sum + x, 0);
  const designEffect = designEffectOf(sums, total, n);
  return { successes: total, n, designEffect, effectiveN: n / designEffect };
}

function designEffectOf(sums: readonly { m: number; x: number }[], total: number, n: number): number {
  const k = sums.length;
  if (k === n) return 1;
  if (k === 1) return n;
  const p = total / n;
  if (total === 0 || total === n) return n / k;
  const squares = sums.reduce((sum, { m, x }) => sum + (x - p * m) ** 2, 0);
  return Math.max(1, ((k / (k - 1)) * squares) / (n * p * (1 - p)));
}
