import { type Metric, undefinedBecause } from './metric.ts';
import { type Positives, type Ranking, rank } from './ranking.ts';

/**
 * Area under the ROC curve: P(score of a positive > score of a negative) + ½ P(equal), the Mann–Whitney statistic.
 *
 * @param scores [n], higher means more likely positive; finite
 * @param positives [n]
 * @param weights [n], ≥ 0. Default: 1 each
 * @returns a number in [0, 1]; undefined where positives or negatives are lacking
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a score is not finite
 * @see Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747
 */
export function auc(scores: ArrayLike<number>, positives: Positives, weights?: ArrayLike<number>): Metric {
  return aucOf(rank(scores, positives, weights));
}

/** AUC of scores that are ranked already: Σ_k (FP_k − FP_{k−1}) · (TP_k + TP_{k−1}) / 2, over P · N. */
export function aucOf(ranking: Ranking): Metric {
  const { truePositives, falsePositives, positives, negatives } = ranking;
  const lack = lackOf(ranking);
  if (lack !== undefined) return undefinedBecause(lack);
  let area = 0;
  let hits = 0;
  let alarms = 0;
  for (let k = 0; k < truePositives.length; k++) {
    area += ((falsePositives[k]! - alarms) * (truePositives[k]! + hits)) / 2;
    hits = truePositives[k]!;
    alarms = falsePositives[k]!;
  }
  return area / (positives * negatives);
}

/** Why a ranking has no ROC curve, or undefined where it has one. */
export function lackOf({ positives, negatives }: Pick<Ranking, 'positives' | 'negatives'>): string | undefined {
  if (positives === 0 && negatives === 0) return 'no examples';
  if (positives === 0) return 'no positive example';
  return negatives === 0 ? 'no negative example' : undefined;
}

/**
 * AUC of each class against all others.
 *
 * @param probabilities [n × classes], row-major
 * @param targets [n], class indices
 * @returns [classes]; undefined for a class that has no examples, or nothing but
 */
export function oneVsRestAuc(probabilities: ArrayLike<number>, targets: ArrayLike<number>, classes: number): Metric[] {
  return Array.from({ length: classes }, (_, c) => {
    const scores = Float64Array.from({ length: targets.length }, (_, i) => probabilities[i * classes + c]!);
    const positives = Uint8Array.from({ length: targets.length }, (_, i) => (targets[i] === c ? 1 : 0));
    return auc(scores, positives);
  });
}
