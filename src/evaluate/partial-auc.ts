import { DataError } from '../core/errors.ts';
import { lackOf } from './auc.ts';
import { type Metric, undefinedBecause } from './metric.ts';
import { type Positives, rank } from './ranking.ts';

/**
 * Area between the ROC curve and the line sensitivity = s: ∫ max(sensitivity − s, 0) d(1 − specificity), not rescaled.
 * With s = 0.8 this is the metric of the ISIC 2024 challenge, in [0, 0.2]: 0.2 for perfect scores, 0.02 for chance. The
 * challenge states it as the area left of 1 − s under the curve of swapped labels and negated scores, which is the same
 * area.
 *
 * @param scores [n], higher means more likely positive; finite
 * @param positives [n]
 * @param minSensitivity s, in [0, 1). Default 0.8; 0 gives the whole AUC
 * @param weights [n], ≥ 0. Default: 1 each
 * @returns a number in [0, 1 − s]; undefined where positives or negatives are lacking
 * @throws {DataError} if s is out of range
 * @see Kurtansky et al. 2024, doi:10.1038/s41597-024-03743-w (ISIC 2024); Jiang et al. 1996,
 *   doi:10.1148/radiology.201.3.8939225 (area at high sensitivity)
 */
export function partialAuc(
  scores: ArrayLike<number>,
  positives: Positives,
  minSensitivity = 0.8,
  weights?: ArrayLike<number>,
): Metric {
  if (!(minSensitivity >= 0 && minSensitivity < 1)) {
    throw new DataError(
      'evaluate/min-sensitivity',
      `partialAuc: expected a sensitivity in [0, 1), got ${minSensitivity}`,
    );
  }
  const ranking = rank(scores, positives, weights);
  const lack = lackOf(ranking);
  if (lack !== undefined) return undefinedBecause(lack);
  let area = 0;
  let x = 0;
  let y = 0;
  for (let k = 0; k < ranking.thresholds.length; k++) {
    const nextX = ranking.falsePositives[k]! / ranking.negatives;
    const nextY = ranking.truePositives[k]! / ranking.positives;
    const above = nextY - minSensitivity;
    if (above > 0) {
      // Below the line only the end of the segment counts: a triangle, over the part of its run that is above.
      const start = y - minSensitivity;
      area += start >= 0 ? ((nextX - x) * (start + above)) / 2 : ((nextX - x) * above * above) / (2 * (nextY - y));
    }
    x = nextX;
    y = nextY;
  }
  return area;
}
