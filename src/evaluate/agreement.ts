import { type ConfusionMatrix, totalOf } from './confusion.ts';
import { type Metric, meanOfDefined, ratio, undefinedBecause } from './metric.ts';

/** Cost of taking class i for class j: 1 where they differ; |i − j|; (i − j)². */
export type KappaWeights = 'none' | 'linear' | 'quadratic';

/**
 * Cohen's kappa: agreement beyond chance, 1 − Σ w_ij O_ij / Σ w_ij E_ij, with counts O, and E_ij = row_i · column_j / n
 * expected of independent answers. 1: full agreement; 0: no better than chance. Weighted kappas need classes in an order
 * that means something.
 *
 * @param weights default `none`
 * @returns at most 1; undefined without examples, and where truth and answers are one same class throughout
 * @see Cohen 1960, doi:10.1177/001316446002000104; Cohen 1968, doi:10.1037/h0026256 (weights)
 */
export function cohenKappa(matrix: ConfusionMatrix, weights: KappaWeights = 'none'): Metric {
  const n = totalOf(matrix);
  if (n === 0) return undefinedBecause('no examples');
  const { rows, columns } = marginsOf(matrix);
  let observed = 0;
  let expected = 0;
  matrix.forEach((row, i) => {
    row.forEach((count, j) => {
      const weight = weights === 'none' ? Number(i !== j) : weights === 'linear' ? Math.abs(i - j) : (i - j) ** 2;
      observed += weight * count;
      expected += (weight * rows[i]! * columns[j]!) / n;
    });
  });
  return expected === 0 ? undefinedBecause('truth and answers are one class throughout') : 1 - observed / expected;
}

/**
 * Matthews' correlation of truth and answers, for any number of classes (Gorodkin's R_K). With c right answers of n, and
 * t_k examples and p_k predictions of class k:
 *
 *     (c n − Σ t_k p_k) / √((n² − Σ p_k²)(n² − Σ t_k²))
 *
 * @returns in [−1, 1]; undefined without examples, and where truth or answers are one class throughout
 * @see Matthews 1975, doi:10.1016/0005-2795(75)90109-9; Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006
 */
export function matthewsCorrelation(matrix: ConfusionMatrix): Metric {
  const n = totalOf(matrix);
  if (n === 0) return undefinedBecause('no examples');
  const { rows, columns } = marginsOf(matrix);
  const right = matrix.reduce((sum, row, k) => sum + row[k]!, 0);
  const product = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, k) => sum + x * b[k]!, 0);
  const spreadTruth = n * n - product(rows, rows);
  const spreadAnswers = n * n - product(columns, columns);
  if (spreadTruth === 0) return undefinedBecause('all examples are of one class');
  if (spreadAnswers === 0) return undefinedBecause('all answers are one class');
  // Two roots, not the root of the product, which leaves the integers that float64 holds.
  return (right * n - product(rows, columns)) / (Math.sqrt(spreadTruth) * Math.sqrt(spreadAnswers));
}

/** F1 of each class, and over all of them. */
export interface F1Scores {
  /** [classes], 2 TP / (2 TP + FP + FN); undefined for a class that neither occurs nor is predicted. */
  readonly perClass: readonly Metric[];
  /** Mean over the classes that have one. */
  readonly macro: Metric;
  /** From the counts of all classes together. With one answer to each example it is the accuracy. */
  readonly micro: Metric;
  /** Mean weighted by the examples of each class. */
  readonly weighted: Metric;
}

/**
 * F1, the harmonic mean of precision and sensitivity, from counts. A class that occurs but is never predicted has F1 = 0.
 *
 * @see van Rijsbergen 1979, ch. 7
 */
export function f1Scores(matrix: ConfusionMatrix): F1Scores {
  const { rows, columns } = marginsOf(matrix);
  const n = totalOf(matrix);
  const perClass = matrix.map((row, k) =>
    ratio(2 * row[k]!, rows[k]! + columns[k]!, 'neither an example nor a prediction of this class'),
  );
  const right = matrix.reduce((sum, row, k) => sum + row[k]!, 0);
  return {
    perClass,
    macro: meanOfDefined(perClass, 'no examples'),
    micro: ratio(right, n, 'no examples'),
    weighted: ratio(
      perClass.reduce<number>((sum, f1, k) => (typeof f1 === 'number' ? sum + f1 * rows[k]! : sum), 0),
      n,
      'no examples',
    ),
  };
}

/** Examples of each class, and predictions of each. */
function marginsOf(matrix: ConfusionMatrix): { rows: number[]; columns: number[] } {
  return {
    rows: matrix.map((row) => row.reduce((sum, count) => sum + count, 0)),
    columns: matrix.map((_, k) => matrix.reduce((sum, row) => sum + row[k]!, 0)),
  };
}
