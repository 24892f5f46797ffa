import { DataError, NumericError, ShapeError } from '../core/errors.ts';
import type { Taxonomy } from '../dataset/types.ts';
import { decideRows } from './argmax.ts';
import { oneVsRestAuc } from './auc.ts';
import { type BinaryMetrics, evaluateBinary } from './binary.ts';
import { type BootstrapOptions, bootstrapInterval } from './bootstrap.ts';
import { accuracyOf, balancedAccuracyOf, type ClassRates, classRatesOf, confusionMatrix } from './confusion.ts';
import { membersOf } from './groups.ts';
import { logLoss } from './log-loss.ts';
import { type IntervalMetric, type Metric, meanOfDefined } from './metric.ts';

/** Probabilities for labelled examples, and what is known about them. */
export interface LabelledPredictions {
  /** Class names, in the order of the columns. */
  readonly labels: readonly string[];
  /** int [n], true class of each example, in [0, C). */
  readonly targets: ArrayLike<number>;
  /** float32 [n × C], row-major. */
  readonly probabilities: ArrayLike<number>;
  /** [C], above 0: see `decideRows`. Default: the most probable class is the predicted one. */
  readonly priors?: readonly number[] | undefined;
  /** Which labels answer the coarser question. Default: none is asked. */
  readonly taxonomy?: Taxonomy | undefined;
  /** Probability from which the coarser question's answer is yes, chosen on other examples. Default: none was chosen. */
  readonly threshold?: number | undefined;
  /** [n], lesion or patient of each example; undefined: independent of all others. Default: all independent. */
  readonly groups?: readonly (string | undefined)[] | undefined;
}

/** Content of `metrics.json`. Whatever the data cannot give says why instead. */
export interface Metrics {
  readonly schemaVersion: 1;
  /** Examples. */
  readonly n: number;
  /** Independent groups (lesions, patients) that the examples belong to; n where all are independent. */
  readonly nGroups: number;
  readonly labels: readonly string[];
  /** [C][C], row = true class, column = predicted class, in the order of `labels`. */
  readonly confusionMatrix: readonly (readonly number[])[];
  readonly accuracy: Metric;
  /** Mean sensitivity over the classes that have examples. */
  readonly balancedAccuracy: Metric;
  /** 95 % percentile bootstrap over groups. */
  readonly balancedAccuracy95: IntervalMetric;
  /** Mean one-vs-rest AUC over the classes for which it is defined. */
  readonly macroAuc: Metric;
  /** Nats. */
  readonly logLoss: Metric;
  /** One for each label, in their order. */
  readonly perClass: readonly ClassMetrics[];
  /** The coarser question, where there is a taxonomy: probabilities of its positive labels summed. */
  readonly malignant?: BinaryMetrics;
}

/** One class against all others; the predicted class is that of `decideRows`. */
export interface ClassMetrics extends ClassRates {
  readonly label: string;
  readonly auc: Metric;
}

/**
 * Everything that `metrics.json` holds, from probabilities and true classes. The predicted class is that of
 * `decideRows`.
 *
 * @param options of the bootstrap: `seed` (0), `resamples` (2000)
 * @throws {ShapeError} if the lengths do not fit
 * @throws {DataError} if a target is not a class
 * @throws {NumericError} if a probability is not in [0, 1]
 */
export function evaluatePredictions(predictions: LabelledPredictions, options: BootstrapOptions = {}): Metrics {
  const { labels, targets, probabilities, taxonomy } = predictions;
  const classes = labels.length;
  const n = targets.length;
  check(predictions);
  const groups = predictions.groups ?? new Array<undefined>(n).fill(undefined);
  const predicted = decideRows(probabilities, classes, predictions.priors);
  const matrix = confusionMatrix(targets, predicted, classes);
  const aucs = oneVsRestAuc(probabilities, targets, classes);
  return {
    schemaVersion: 1,
    n,
    nGroups: membersOf(groups).length,
    labels: [...labels],
    confusionMatrix: matrix,
    accuracy: accuracyOf(matrix),
    balancedAccuracy: balancedAccuracyOf(matrix),
    balancedAccuracy95: bootstrapInterval(
      groups,
      (rows) => balancedAccuracyOf(confusionMatrix(targets, predicted, classes, rows)),
      { ...options, level: 0.95 },
    ),
    macroAuc: meanOfDefined(aucs, 'defined for no class'),
    logLoss: logLoss(probabilities, targets, classes),
    perClass: labels.map((label, c) => ({ label, ...classRatesOf(matrix, c), auc: aucs[c]! })),
    ...(taxonomy === undefined ? {} : { malignant: malignantOf(predictions, taxonomy, groups, options) }),
  };
}

function malignantOf(
  { labels, targets, probabilities, threshold }: LabelledPredictions,
  taxonomy: Taxonomy,
  groups: readonly (string | undefined)[],
  options: BootstrapOptions,
): BinaryMetrics {
  const isPositive = labels.map((label) => taxonomy.positiveLabels.includes(label));
  return evaluateBinary(
    {
      name: taxonomy.positive,
      positiveLabels: labels.filter((_, c) => isPositive[c]),
      scores: positiveProbabilities(labels, taxonomy, probabilities),
      positives: Uint8Array.from({ length: targets.length }, (_, i) => (isPositive[targets[i]!] ? 1 : 0)),
      groups,
      chosen: threshold,
    },
    options,
  );
}

/**
 * Probability of the taxonomy's positive answer: the sum over its positive labels.
 *
 * @param probabilities [n × C], row-major
 * @returns float64 [n], at most 1
 */
export function positiveProbabilities(
  labels: readonly string[],
  taxonomy: Taxonomy,
  probabilities: ArrayLike<number>,
): Float64Array {
  const classes = labels.length;
  const columns = labels.flatMap((label, c) => (taxonomy.positiveLabels.includes(label) ? [c] : []));
  return Float64Array.from({ length: probabilities.length / classes }, (_, row) => {
    let sum = 0;
    for (const c of columns) sum += probabilities[row * classes + c]!;
    // Rounded probabilities may add up to a hair more than 1.
    return Math.min(1, sum);
  });
}

function check({ labels, targets, probabilities, groups }: LabelledPredictions): void {
  const n = targets.length;
  if (labels.length < 2) {
    throw new DataError('evaluate/classes', `evaluatePredictions: expected two classes or more, got ${labels.length}`);
  }
  if (probabilities.length !== n * labels.length) {
    throw new ShapeError(
      'evaluate/length',
      `evaluatePredictions: expected ${n} × ${labels.length} probabilities, got ${probabilities.length} in all`,
    );
  }
  if (groups !== undefined && groups.length !== n) {
    throw new ShapeError('evaluate/length', `evaluatePredictions: expected ${n} groups, got ${groups.length}`);
  }
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!;
    // Softmax in float32 may exceed 1 by a rounding step.
    if (!(p >= 0 && p <= 1 + 1e-5)) {
      const where = `example ${Math.floor(i / labels.length)}, class ${labels[i % labels.length]}`;
      throw new NumericError('evaluate/probability', `${where}: expected a probability in [0, 1], got ${p}`);
    }
  }
}
