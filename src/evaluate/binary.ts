import { aucOf } from './auc.ts';
import { averagePrecision } from './average-precision.ts';
import { type BootstrapOptions, bootstrapInterval } from './bootstrap.ts';
import { clusteredProportion } from './clustered-proportion.ts';
import { countsAt } from './counts.ts';
import { deLongInterval95 } from './delong.ts';
import { type DiagnosticRates, diagnosticRates } from './diagnostic-rates.ts';
import { membersOf } from './groups.ts';
import { type Estimate, type IntervalMetric, type Metric, ratio } from './metric.ts';
import { descending, type Positives, rank } from './ranking.ts';

/** A yes-or-no question, answered by a score for each example. */
export interface BinaryPredictions {
  /** The positive answer: `malignant`. */
  readonly name: string;
  /** The labels that count as positive. */
  readonly positiveLabels: readonly string[];
  /** [n], probability of the positive answer. */
  readonly scores: ArrayLike<number>;
  /** [n] */
  readonly positives: Positives;
  /** [n], lesion or patient; undefined: independent of all others. */
  readonly groups: readonly (string | undefined)[];
  /** Threshold that was chosen on other examples, to be measured here. Default: none was chosen. */
  readonly chosen?: number | undefined;
}

/** How well the question is answered, over all thresholds and at one. */
export interface BinaryMetrics {
  readonly name: string;
  readonly positiveLabels: readonly string[];
  readonly n: number;
  readonly nPositive: number;
  readonly auc: Metric;
  /** 95 %, DeLong. Takes examples as independent. */
  readonly auc95: IntervalMetric;
  /** 95 %, bootstrap over groups: only where some group has several examples, for there `auc95` is too narrow. */
  readonly auc95Grouped?: IntervalMetric;
  readonly averagePrecision: Metric;
  /** The answer is positive where the score is at least this. */
  readonly threshold: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
  readonly sensitivity: Metric;
  /** 95 %, Wilson; where groups have several examples, on effective counts (`clusteredProportion`). */
  readonly sensitivity95: IntervalMetric;
  readonly specificity: Metric;
  /** 95 %, Wilson; where groups have several examples, on effective counts (`clusteredProportion`). */
  readonly specificity95: IntervalMetric;
  /** The same at the threshold that was chosen on validation examples, where there is one. */
  readonly operatingPoint?: MeasuredPoint;
}

/** What a threshold that was chosen elsewhere comes to on these examples. */
export interface MeasuredPoint extends DiagnosticRates {
  readonly threshold: number;
}

/**
 * Metrics of a yes-or-no question.
 *
 * @param threshold the answer is positive at this score or above. Default 0.5: the positive labels together are at
 *   least as probable as all others
 */
export function evaluateBinary(
  { name, positiveLabels, scores, positives, groups, chosen }: BinaryPredictions,
  options: BootstrapOptions = {},
  threshold = 0.5,
): BinaryMetrics {
  const n = scores.length;
  const order = descending(scores);
  const ranking = rank(scores, positives, undefined, order);
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = countsAt(scores, positives, threshold);
  const nPositive = ranking.positives;
  const nNegative = ranking.negatives;
  const rightOf = (wanted: boolean, at = threshold): Estimate => {
    const rows = Array.from({ length: n }, (_, i) => i).filter((i) => Boolean(positives[i]) === wanted);
    return clusteredProportion(
      rows.map((i) => scores[i]! >= at === wanted),
      rows.map((i) => groups[i]),
    );
  };
  return {
    name,
    positiveLabels,
    n,
    nPositive,
    auc: aucOf(ranking),
    auc95: deLongInterval95(scores, positives),
    ...(membersOf(groups).length === n
      ? {}
      : {
          auc95Grouped: bootstrapInterval(
            groups,
            (rows) => aucOf(rank(scores, positives, timesDrawn(rows, n), order)),
            { ...options, level: 0.95 },
          ),
        }),
    averagePrecision: averagePrecision(scores, positives),
    threshold,
    truePositives,
    falsePositives,
    trueNegatives,
    falseNegatives,
    sensitivity: ratio(truePositives, nPositive, 'no positive example'),
    sensitivity95: rightOf(true).interval95,
    specificity: ratio(trueNegatives, nNegative, 'no negative example'),
    specificity95: rightOf(false).interval95,
    ...(chosen === undefined
      ? {}
      : {
          operatingPoint: {
            threshold: chosen,
            ...diagnosticRates(countsAt(scores, positives, chosen)),
            sensitivity: rightOf(true, chosen),
            specificity: rightOf(false, chosen),
          },
        }),
  };
}

/** How often each of n examples occurs among the drawn rows: weights that spare sorting every resample. */
function timesDrawn(rows: Int32Array, n: number): Float64Array {
  const times = new Float64Array(n);
  for (const row of rows) times[row]!++;
  return times;
}
