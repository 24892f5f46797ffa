import { NumericError } from '../core/errors.ts';

/** `holm`: the chance of any false alarm; `benjamini-hochberg`: the share of false alarms among the alarms. */
export type Correction = 'holm' | 'benjamini-hochberg';

/**
 * p values adjusted for being many. Ascending p_(1) … p_(m), of m tests:
 *
 *     holm                 max over j ≤ i of (m − j + 1) p_(j)
 *     benjamini-hochberg   min over j ≥ i of m p_(j) / j
 *
 * each at most 1. Holm holds whatever the tests have to do with each other; Benjamini–Hochberg for independent tests, and
 * for those that depend on each other positively.
 *
 * @param pValues [m], in [0, 1]
 * @returns [m], in the same order
 * @throws {NumericError} if a p value is out of range
 * @see Holm 1979, https://www.jstor.org/stable/4615733; Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x
 */
export function adjustPValues(pValues: readonly number[], correction: Correction): number[] {
  pValues.forEach((p, i) => {
    if (!(p >= 0 && p <= 1)) {
      throw new NumericError('evaluate/p-value', `adjustPValues: expected p ${i} in [0, 1], got ${p}`);
    }
  });
  const m = pValues.length;
  const order = pValues.map((_, i) => i).sort((i, j) => pValues[i]! - pValues[j]!);
  const adjusted = new Array<number>(m).fill(1);
  if (correction === 'holm') {
    let least = 0;
    order.forEach((i, rank) => {
      least = Math.max(least, Math.min(1, (m - rank) * pValues[i]!));
      adjusted[i] = least;
    });
  } else {
    let most = 1;
    for (let rank = m; rank > 0; rank--) {
      const i = order[rank - 1]!;
      most = Math.min(most, (m * pValues[i]!) / rank);
      adjusted[i] = most;
    }
  }
  return adjusted;
}
