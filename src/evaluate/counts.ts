import { DataError, NumericError } from '../core/errors.ts';
import type { Positives } from './ranking.ts';
import { checkLength } from './scored.ts';

/** The 2 × 2 table of a yes-or-no question. */
export interface Counts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

/**
 * Counts right and wrong answers, positive where `score ≥ threshold`.
 *
 * @param scores [n], finite
 * @param positives [n]
 * @param rows which examples to count, repeats allowed. Default: each once
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a score or the threshold is not finite
 */
export function countsAt(
  scores: ArrayLike<number>,
  positives: Positives,
  threshold: number,
  rows?: ArrayLike<number>,
): Counts {
  checkLength('countsAt', 'positives', positives.length, scores.length);
  if (!Number.isFinite(threshold)) {
    throw new NumericError('evaluate/not-finite', `countsAt: expected a finite threshold, got ${threshold}`);
  }
  let truePositives = 0;
  let falsePositives = 0;
  let trueNegatives = 0;
  let falseNegatives = 0;
  const count = rows?.length ?? scores.length;
  for (let k = 0; k < count; k++) {
    const i = rows === undefined ? k : rows[k]!;
    const score = scores[i]!;
    if (!Number.isFinite(score)) {
      throw new NumericError('evaluate/not-finite', `score ${i}: expected a finite number, got ${score}`);
    }
    if (score >= threshold) {
      if (positives[i]) truePositives++;
      else falsePositives++;
    } else if (positives[i]) falseNegatives++;
    else trueNegatives++;
  }
  return { truePositives, falsePositives, trueNegatives, falseNegatives };
}

/** @throws {DataError} if a count is negative or not finite */
export function checkCounts(where: string, counts: Counts): void {
  for (const [name, count] of [
    ['truePositives', counts.truePositives],
    ['falsePositives', counts.falsePositives],
    ['trueNegatives', counts.trueNegatives],
    ['falseNegatives', counts.falseNegatives],
  ] as const) {
    if (!(count >= 0 && count < Infinity)) {
      throw new DataError('evaluate/counts', `${where}: expected ${name} ≥ 0, got ${count}`);
    }
  }
}
