import { DataError, NumericError, ShapeError } from '../core/errors.ts';

/** Which examples are positive: true or non-zero. */
export type Positives = ArrayLike<boolean> | ArrayLike<number>;

/**
 * What a threshold sweeping down over the distinct scores catches. Entry k counts the examples with
 * `score ≥ thresholds[k]`; tied examples share one entry.
 */
export interface Ranking {
  /** Distinct scores, descending. */
  readonly thresholds: Float64Array;
  /** Cumulative weight of positives. */
  readonly truePositives: Float64Array;
  /** Cumulative weight of negatives. */
  readonly falsePositives: Float64Array;
  /** Weight of all positives. */
  readonly positives: number;
  /** Weight of all negatives. */
  readonly negatives: number;
}

/** Indices of the scores from the highest to the lowest. */
export function descending(scores: ArrayLike<number>): Int32Array {
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) {
      throw new NumericError('evaluate/not-finite', `score ${i}: expected a finite number, got ${scores[i]}`);
    }
  }
  return Int32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
}

/**
 * Sweeps a threshold over the scores: the one pass that AUC, ROC curve and average precision are read from.
 *
 * @param scores [n], higher means more likely positive
 * @param positives [n]
 * @param weights [n], finite and ≥ 0. Default: 1 each. An example of weight 0 is not there
 * @param order `descending(scores)`, where many rankings of the same scores are wanted
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a score is not finite
 * @throws {DataError} if a weight is negative or not finite
 */
export function rank(
  scores: ArrayLike<number>,
  positives: Positives,
  weights?: ArrayLike<number>,
  order: Int32Array = descending(scores),
): Ranking {
  const n = scores.length;
  for (const [what, length] of [
    ['positives', positives.length],
    ['weights', weights?.length ?? n],
  ] as const) {
    if (length !== n) throw new ShapeError('evaluate/length', `rank: expected ${n} ${what}, got ${length}`);
  }
  const thresholds = new Float64Array(n);
  const truePositives = new Float64Array(n);
  const falsePositives = new Float64Array(n);
  let length = 0;
  let hits = 0;
  let alarms = 0;
  for (const i of order) {
    const weight = weights === undefined ? 1 : weights[i]!;
    if (!(weight >= 0 && weight < Infinity)) {
      throw new DataError('evaluate/weight', `weight ${i}: expected a finite number ≥ 0, got ${weight}`);
    }
    if (weight === 0) continue;
    if (positives[i]) hits += weight;
    else alarms += weight;
    const score = scores[i]!;
    if (length === 0 || thresholds[length - 1] !== score) thresholds[length++] = score;
    truePositives[length - 1] = hits;
    falsePositives[length - 1] = alarms;
  }
  return {
    thresholds: thresholds.subarray(0, length),
    truePositives: truePositives.subarray(0, length),
    falsePositives: falsePositives.subarray(0, length),
    positives: hits,
    negatives: alarms,
  };
}
