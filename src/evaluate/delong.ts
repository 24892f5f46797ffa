import { lackOf } from './auc.ts';
import { allApart, type Groups, membersOf } from './groups.ts';
import { type IntervalMetric, isUndefined, type Undefined, undefinedBecause } from './metric.ts';
import { descending, type Positives } from './ranking.ts';
import { checkLength } from './scored.ts';
import { Z95 } from './wilson.ts';

/** AUC with the variance of its estimate. */
export interface AucVariance {
  readonly auc: number;
  readonly variance: number;
}

/** How each example is placed among those of the other kind. */
export interface Placements {
  readonly auc: number;
  /** [n]: of a positive the share of negatives below it, of a negative the share of positives above it. Their means are the AUC. */
  readonly values: Float64Array;
}

/**
 * AUC and its variance by DeLong, in O(n log n) through midranks. With m positives and n negatives, ranks T over all,
 * T⁺ among the positives and T⁻ among the negatives:
 *
 *     V⁺_i = (T_i − T⁺_i) / n        V⁻_j = 1 − (T_j − T⁻_j) / m
 *     AUC = mean V⁺ = mean V⁻        variance = var(V⁺) / m + var(V⁻) / n
 *
 * Where examples share a group (a lesion, a patient), by Obuchowski. With A_g = Σ (V⁺_i − AUC) and
 * B_g = Σ (V⁻_j − AUC) over the examples of group g, and I⁺, I⁻, I groups with a positive, with a negative, in all:
 *
 *     variance = I⁺/(I⁺ − 1) Σ A_g² / m² + I⁻/(I⁻ − 1) Σ B_g² / n² + 2 I/(I − 1) Σ A_g B_g / (m n)
 *
 * which is DeLong's where each example is a group of its own.
 *
 * @param scores [n], higher means more likely positive; finite
 * @param positives [n]
 * @param groups [n]. Default: all examples are independent. Several images of one lesion are not
 * @returns undefined with fewer than two positives or two negatives, or with all of them in one group
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a score is not finite
 * @see DeLong et al. 1988, doi:10.2307/2531595; Sun & Xu 2014, doi:10.1109/LSP.2014.2337313; Obuchowski 1997,
 *   doi:10.2307/2533958
 */
export function deLong(scores: ArrayLike<number>, positives: Positives, groups?: Groups): AucVariance | Undefined {
  const placed = placements(scores, positives);
  if (isUndefined(placed)) return placed;
  const covariance = aucCovariance(placed, placed, positives, groups ?? allApart(scores.length));
  return isUndefined(covariance) ? covariance : { auc: placed.auc, variance: Math.max(0, covariance) };
}

/**
 * 95 % interval of the AUC: AUC ± 1.96 √variance, kept within [0, 1].
 *
 * @param groups [n]. Default: all examples are independent
 * @returns undefined where the variance is, and where the scores separate the classes perfectly: the estimate is then 0,
 *   which would claim certainty
 */
export function deLongInterval95(scores: ArrayLike<number>, positives: Positives, groups?: Groups): IntervalMetric {
  const estimate = deLong(scores, positives, groups);
  return isUndefined(estimate) ? estimate : aucInterval95(estimate);
}

/** The interval of an estimate at hand. */
export function aucInterval95({ auc, variance }: AucVariance): IntervalMetric {
  if (variance === 0) return undefinedBecause('the variance estimate is 0: too few examples to tell');
  const half = Z95 * Math.sqrt(variance);
  return [Math.max(0, auc - half), Math.min(1, auc + half)];
}

/**
 * AUC, and the placement of each example, from which variances and covariances are made.
 *
 * @returns undefined with fewer than two positives or two negatives
 */
export function placements(scores: ArrayLike<number>, positives: Positives): Placements | Undefined {
  checkLength('deLong', 'positives', positives.length, scores.length);
  const rows = (wanted: boolean): number[] =>
    Array.from({ length: scores.length }, (_, i) => i).filter((i) => Boolean(positives[i]) === wanted);
  const sick = rows(true);
  const well = rows(false);
  const m = sick.length;
  const n = well.length;
  const lack = lackOf({ positives: m, negatives: n });
  if (lack !== undefined) return undefinedBecause(lack);
  if (m < 2) return undefinedBecause('only one positive example');
  if (n < 2) return undefinedBecause('only one negative example');

  const ranks = midranks(scores);
  const values = new Float64Array(scores.length);
  midranks(sick.map((row) => scores[row]!)).forEach((rank, i) => {
    values[sick[i]!] = (ranks[sick[i]!]! - rank) / n;
  });
  midranks(well.map((row) => scores[row]!)).forEach((rank, j) => {
    values[well[j]!] = 1 - (ranks[well[j]!]! - rank) / m;
  });
  return { auc: sick.reduce((sum, row) => sum + values[row]!, 0) / m, values };
}

/**
 * Covariance of the AUCs of two models on the same examples; of one with itself, its variance.
 *
 * @param groups [n]
 * @returns undefined where all positives, or all negatives, are of one group
 * @throws {ShapeError} if there is not one group for each example
 */
export function aucCovariance(
  first: Placements,
  second: Placements,
  positives: Positives,
  groups: Groups,
): number | Undefined {
  checkLength('deLong', 'groups', groups.length, first.values.length);
  const members = membersOf(groups);
  let m = 0;
  let n = 0;
  let groupsSick = 0;
  let groupsWell = 0;
  let sick = 0;
  let well = 0;
  let both = 0;
  for (const rows of members) {
    const sums = { a1: 0, a2: 0, b1: 0, b2: 0 };
    let found = 0;
    for (const row of rows) {
      if (positives[row]) {
        found++;
        sums.a1 += first.values[row]! - first.auc;
        sums.a2 += second.values[row]! - second.auc;
      } else {
        sums.b1 += first.values[row]! - first.auc;
        sums.b2 += second.values[row]! - second.auc;
      }
    }
    m += found;
    n += rows.length - found;
    if (found > 0) groupsSick++;
    if (found < rows.length) groupsWell++;
    sick += sums.a1 * sums.a2;
    well += sums.b1 * sums.b2;
    both += sums.a1 * sums.b2 + sums.a2 * sums.b1;
  }
  if (groupsSick < 2) return undefinedBecause('all positive examples are of one group');
  if (groupsWell < 2) return undefinedBecause('all negative examples are of one group');
  const unbiased = (k: number): number => k / (k - 1);
  return (
    (unbiased(groupsSick) * sick) / (m * m) +
    (unbiased(groupsWell) * well) / (n * n) +
    (unbiased(members.length) * both) / (m * n)
  );
}

/** Ranks from 1, ascending; tied values share the mean of their ranks. */
export function midranks(values: ArrayLike<number>): Float64Array {
  const order = descending(values).reverse();
  const ranks = new Float64Array(order.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let k = start; k < end; k++) ranks[order[k]!] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}
