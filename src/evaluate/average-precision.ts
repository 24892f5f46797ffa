import { type Metric, undefinedBecause } from './metric.ts';
import { type Positives, rank } from './ranking.ts';

/**
 * Average precision: Σ_k (recall_k − recall_{k−1}) · precision_k over the distinct scores, descending. The area under
 * the precision–recall curve without interpolation, which would flatter.
 *
 * @param scores [n], higher means more likely positive; finite
 * @param positives [n]
 * @param weights [n], ≥ 0. Default: 1 each
 * @returns a number in (0, 1]; undefined without a positive
 */
export function averagePrecision(scores: ArrayLike<number>, positives: Positives, weights?: ArrayLike<number>): Metric {
  const ranking = rank(scores, positives, weights);
  if (ranking.positives === 0) return undefinedBecause('no positive example');
  let sum = 0;
  let before = 0;
  for (let k = 0; k < ranking.thresholds.length; k++) {
    const hits = ranking.truePositives[k]!;
    sum += ((hits - before) * hits) / (hits + ranking.falsePositives[k]!);
    before = hits;
  }
  return sum / ranking.positives;
}
