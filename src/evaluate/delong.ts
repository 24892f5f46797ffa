import { lackOf } from './auc.ts';
import { type IntervalMetric, type Undefined, undefinedBecause } from './metric.ts';
import { descending, type Positives } from './ranking.ts';
import { Z95 } from './wilson.ts';

/** AUC with the variance of its estimate. */
export interface AucVariance {
  readonly auc: number;
  readonly variance: number;
}

/**
 * AUC and its variance by DeLong, in O(n log n) through midranks. With m positives and n negatives, ranks T over all,
 * T⁺ among the positives and T⁻ among the negatives:
 *
 *     V⁺_i = (T_i − T⁺_i) / n        V⁻_j = 1 − (T_j − T⁻_j) / m
 *     AUC = mean V⁺ = mean V⁻        variance = var(V⁺) / m + var(V⁻) / n
 *
 * Examples are taken as independent. Several images of one lesion are not: there the variance is too small, and a
 * bootstrap over lesions (`bootstrapInterval`) is the honest one.
 *
 * @param scores [n], higher means more likely positive; finite
 * @param positives [n]
 * @returns undefined with fewer than two positives or two negatives
 * @see DeLong et al. 1988, doi:10.2307/2531595; Sun & Xu 2014, doi:10.1109/LSP.2014.2337313
 */
export function deLong(scores: ArrayLike<number>, positives: Positives): AucVariance | Undefined {
  const of = (wanted: boolean): Float64Array =>
    Float64Array.from(
      Array.from({ length: scores.length }, (_, i) => i).filter((i) => Boolean(positives[i]) === wanted),
      (i) => scores[i]!,
    );
  const sick = of(true);
  const well = of(false);
  const m = sick.length;
  const n = well.length;
  const lack = lackOf({ positives: m, negatives: n });
  if (lack !== undefined) return undefinedBecause(lack);
  if (m < 2) return undefinedBecause('only one positive example');
  if (n < 2) return undefinedBecause('only one negative example');

  const all = new Float64Array(m + n);
  all.set(sick, 0);
  all.set(well, m);
  const ranks = midranks(all);
  const ranksSick = midranks(sick);
  const ranksWell = midranks(well);
  const sickAbove = Float64Array.from(sick, (_, i) => (ranks[i]! - ranksSick[i]!) / n);
  const wellBelow = Float64Array.from(well, (_, j) => 1 - (ranks[m + j]! - ranksWell[j]!) / m);
  return { auc: mean(sickAbove), variance: variance(sickAbove) / m + variance(wellBelow) / n };
}

/**
 * 95 % interval of the AUC: AUC ± 1.96 √variance, kept within [0, 1].
 *
 * @returns undefined where the variance is, and where the scores separate the classes perfectly: the estimate is then 0,
 *   which would claim certainty
 */
export function deLongInterval95(scores: ArrayLike<number>, positives: Positives): IntervalMetric {
  const estimate = deLong(scores, positives);
  if ('undefined' in estimate) return estimate;
  if (estimate.variance === 0) return undefinedBecause('the variance estimate is 0: too few examples to tell');
  const half = Z95 * Math.sqrt(estimate.variance);
  return [Math.max(0, estimate.auc - half), Math.min(1, estimate.auc + half)];
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

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function variance(values: Float64Array): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}
