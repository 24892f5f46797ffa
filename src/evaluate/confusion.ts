import { DataError, ShapeError } from '../core/errors.ts';
import { type Metric, meanOfDefined, ratio } from './metric.ts';

/** Counts [classes][classes]: row = true class, column = predicted class. */
export type ConfusionMatrix = readonly (readonly number[])[];

/**
 * Counts how often each class was taken for each.
 *
 * @param targets true class of each example, in [0, classes)
 * @param predicted predicted class of each example, in [0, classes)
 * @param rows which examples to count, repeats allowed. Default: each once
 * @returns [classes][classes], row = true, column = predicted
 * @throws {ShapeError} if the two differ in length
 * @throws {DataError} if a class is out of range
 */
export function confusionMatrix(
  targets: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  rows?: ArrayLike<number>,
): number[][] {
  if (targets.length !== predicted.length) {
    throw new ShapeError(
      'evaluate/length',
      `confusionMatrix: expected ${targets.length} predictions, one for each target, got ${predicted.length}`,
    );
  }
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const count = rows?.length ?? targets.length;
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? i : rows[i]!;
    const target = classAt(targets, row, classes, 'target');
    const answer = classAt(predicted, row, classes, 'predicted class');
    matrix[target]![answer]!++;
  }
  return matrix;
}

function classAt(values: ArrayLike<number>, row: number, classes: number, what: string): number {
  const value = values[row];
  if (value === undefined || !Number.isInteger(value) || value < 0 || value >= classes) {
    throw new DataError(
      'evaluate/class-range',
      `${what} of example ${row}: expected an integer in [0, ${classes}), got ${value}`,
    );
  }
  return value;
}

/** Number of examples counted. */
export function totalOf(matrix: ConfusionMatrix): number {
  return matrix.reduce((sum, _, c) => sum + supportOf(matrix, c), 0);
}

/** Share of examples on the diagonal. Undefined without examples. */
export function accuracyOf(matrix: ConfusionMatrix): Metric {
  const right = matrix.reduce((sum, row, c) => sum + row[c]!, 0);
  return ratio(right, totalOf(matrix), 'no examples');
}

/**
 * Mean of the sensitivities of the classes that have examples. A class without any counts neither for nor against
 * (as in scikit-learn); undefined where no class has one.
 */
export function balancedAccuracyOf(matrix: ConfusionMatrix): Metric {
  return meanOfDefined(
    matrix.map((_, c) => classRatesOf(matrix, c).sensitivity),
    'no examples',
  );
}

/** How one class fares against all others. */
export interface ClassRates {
  /** Examples of this class (support). */
  readonly n: number;
  /** TP / (TP + FN): the share of its examples that were found; recall. Undefined without examples of it. */
  readonly sensitivity: Metric;
  /** TN / (TN + FP): the share of the others that were not taken for it. Undefined without others. */
  readonly specificity: Metric;
  /** TP / (TP + FP): the share of its predictions that were right. Undefined where it was never predicted. */
  readonly precision: Metric;
}

/** Sensitivity, specificity, precision and support of one class, read from the counts. */
export function classRatesOf(matrix: ConfusionMatrix, c: number): ClassRates {
  const n = supportOf(matrix, c);
  const others = totalOf(matrix) - n;
  const truePositives = matrix[c]![c]!;
  const predictions = matrix.reduce((sum, row) => sum + row[c]!, 0);
  const trueNegatives = others - (predictions - truePositives);
  return {
    n,
    sensitivity: ratio(truePositives, n, 'no example of this class'),
    specificity: ratio(trueNegatives, others, 'no example of another class'),
    precision: ratio(truePositives, predictions, 'never predicted'),
  };
}

function supportOf(matrix: ConfusionMatrix, c: number): number {
  return matrix[c]!.reduce((sum, count) => sum + count, 0);
}
