import type { Taxonomy } from '../dataset/types.ts';
import { auc, oneVsRestAuc } from './auc.ts';
import { type Metric, meanOfDefined } from './metric.ts';
import { positiveProbabilities } from './metrics.ts';

/**
 * The one AUC that stands for a model: of the taxonomy's question where there is one, else the mean one-vs-rest AUC.
 *
 * @param probabilities [n × C], row-major
 * @param targets [n], class index in [0, C)
 */
export function questionAuc(
  labels: readonly string[],
  taxonomy: Taxonomy | undefined,
  probabilities: ArrayLike<number>,
  targets: readonly number[],
): Metric {
  if (taxonomy === undefined)
    return meanOfDefined(oneVsRestAuc(probabilities, targets, labels.length), 'no class has both');
  return auc(
    positiveProbabilities(labels, taxonomy, probabilities),
    targets.map((t) => taxonomy.positiveLabels.includes(labels[t]!)),
  );
}
