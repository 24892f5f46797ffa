import { DataError, NumericError, ShapeError } from '../core/errors.ts';
import type { Positives } from './ranking.ts';

/**
 * Checks that probabilities and answers belong together.
 *
 * @param where function and what it was given
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a probability is not in [0, 1]
 */
export function checkProbabilities(where: string, probabilities: ArrayLike<number>, positives: Positives): void {
  checkLength(where, 'positives', positives.length, probabilities.length);
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i]!;
    if (!(p >= 0 && p <= 1)) {
      throw new NumericError(
        'evaluate/probability',
        `${where}: expected a probability in [0, 1] for example ${i}, got ${p}`,
      );
    }
  }
}

/** @throws {ShapeError} if there is not one of them for each example */
export function checkLength(where: string, what: string, length: number, expected: number): void {
  if (length !== expected) {
    throw new ShapeError('evaluate/length', `${where}: expected ${expected} ${what}, got ${length}`);
  }
}

/** @throws {DataError} if the prevalence is not strictly between 0 and 1 */
export function checkPrevalence(where: string, prevalence: number): void {
  if (!(prevalence > 0 && prevalence < 1)) {
    throw new DataError('evaluate/prevalence', `${where}: expected a prevalence in (0, 1), got ${prevalence}`);
  }
}
