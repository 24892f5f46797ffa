import { aucCovariance, placements } from './delong.ts';
import { allApart, type Groups } from './groups.ts';
import { type Interval, isUndefined, type Undefined, undefinedBecause } from './metric.ts';
import { twoSidedP } from './normal.ts';
import type { Positives } from './ranking.ts';
import { checkLength } from './scored.ts';
import { Z95 } from './wilson.ts';

/** Comparison of two models that were asked about the same examples. */
export interface AucComparison {
  /** AUC of the first model. */
  readonly first: number;
  /** AUC of the second. */
  readonly second: number;
  /** Second minus first. */
  readonly difference: number;
  readonly difference95: Interval;
  readonly standardError: number;
  /** difference / standardError. */
  readonly z: number;
  /** Two-sided, of the hypothesis that the AUCs are equal. */
  readonly pValue: number;
}

/**
 * DeLong's test of two correlated AUCs: z = (AUC₂ − AUC₁) / √(var₁ + var₂ − 2 cov). Where examples share a group, the
 * variances are Obuchowski's, as in `deLong`.
 *
 * @param first [n], scores of one model
 * @param second [n], scores of another for the same examples
 * @param positives [n]
 * @param groups [n]. Default: all examples are independent
 * @returns undefined where a variance is, and where that of the difference is 0: the models rank the examples alike, or
 *   both separate the classes perfectly
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a score is not finite
 * @see DeLong et al. 1988, doi:10.2307/2531595; Obuchowski 1997, doi:10.2307/2533958
 */
export function deLongTest(
  first: ArrayLike<number>,
  second: ArrayLike<number>,
  positives: Positives,
  groups: Groups = allApart(first.length),
): AucComparison | Undefined {
  checkLength('deLongTest', 'scores of the second model', second.length, first.length);
  const a = placements(first, positives);
  if (isUndefined(a)) return a;
  const b = placements(second, positives);
  if (isUndefined(b)) return b;
  // The variance of the difference, as one sum over placements: var₁ + var₂ − 2 cov would cancel.
  const change = { auc: b.auc - a.auc, values: b.values.map((value, i) => value - a.values[i]!) };
  const variance = aucCovariance(change, change, positives, groups);
  if (isUndefined(variance)) return variance;
  // Below this it is rounding: placements are of order 1 and known to 1e-16.
  if (!(variance > 1e-24)) {
    return undefinedBecause('the variance of the difference is 0: nothing tells the models apart');
  }
  const standardError = Math.sqrt(variance);
  const z = change.auc / standardError;
  return {
    first: a.auc,
    second: b.auc,
    difference: change.auc,
    difference95: [change.auc - Z95 * standardError, change.auc + Z95 * standardError],
    standardError,
    z,
    pValue: twoSidedP(z),
  };
}
