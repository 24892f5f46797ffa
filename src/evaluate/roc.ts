import { lackOf } from './auc.ts';
import { type Undefined, undefinedBecause } from './metric.ts';
import { type Positives, rank } from './ranking.ts';

/** One threshold: an example counts as positive where `score ≥ threshold`. */
export interface RocPoint {
  /** A score that occurs; null for the first point, a threshold above every score. */
  readonly threshold: number | null;
  /** 1 − specificity. */
  readonly falsePositiveRate: number;
  /** Sensitivity. */
  readonly truePositiveRate: number;
}

/**
 * The ROC curve from (0, 0) to (1, 1), one point for each distinct score, none left out.
 *
 * @param scores [n], higher means more likely positive; finite
 * @param positives [n]
 * @param weights [n], ≥ 0. Default: 1 each
 * @returns undefined where positives or negatives are lacking
 */
export function rocCurve(
  scores: ArrayLike<number>,
  positives: Positives,
  weights?: ArrayLike<number>,
): RocPoint[] | Undefined {
  const ranking = rank(scores, positives, weights);
  const lack = lackOf(ranking);
  if (lack !== undefined) return undefinedBecause(lack);
  const points: RocPoint[] = [{ threshold: null, falsePositiveRate: 0, truePositiveRate: 0 }];
  ranking.thresholds.forEach((threshold, k) => {
    points.push({
      threshold,
      falsePositiveRate: ranking.falsePositives[k]! / ranking.negatives,
      truePositiveRate: ranking.truePositives[k]! / ranking.positives,
    });
  });
  return points;
}
