import type { Taxonomy } from '../dataset/types.ts';
import { auc, oneVsRestAuc } from './auc.ts';
import { deLong } from './delong.ts';
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

/**
 * Standard error of `questionAuc`: DeLong's for one question; for a mean over classes √(Σ variance) / classes, as if
 * their estimates were independent. 0 where no variance is defined.
 */
export function questionAucError(
  labels: readonly string[],
  taxonomy: Taxonomy | undefined,
  probabilities: ArrayLike<number>,
  targets: readonly number[],
): number {
  const classes = labels.length;
  const estimates =
    taxonomy === undefined
      ? labels.map((_, c) =>
          deLong(
            targets.map((_, i) => probabilities[i * classes + c]!),
            targets.map((t) => t === c),
          ),
        )
      : [
          deLong(
            positiveProbabilities(labels, taxonomy, probabilities),
            targets.map((t) => taxonomy.positiveLabels.includes(labels[t]!)),
          ),
        ];
  const variances = estimates.flatMap((e) => ('variance' in e ? [e.variance] : []));
  return variances.length === 0 ? 0 : Math.sqrt(variances.reduce((a, b) => a + b, 0)) / variances.length;
}
