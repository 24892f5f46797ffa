import { UsageError } from '../core/errors.ts';
import { lackOf } from './auc.ts';
import { isUndefined, type Undefined, undefinedBecause } from './metric.ts';
import { type Positives, rank } from './ranking.ts';
import { checkPrevalence, checkProbabilities } from './scored.ts';

/** Net benefit at one threshold probability, in true positives per example. */
export interface NetBenefit {
  /** The probability above which one would act; a false alarm then costs threshold / (1 − threshold) of a find. */
  readonly threshold: number;
  /** Acting where the model says so. */
  readonly model: number;
  /** Acting on everyone. */
  readonly all: number;
  /** Acting on no one: always 0. */
  readonly none: 0;
}

export interface DecisionCurveOptions {
  /** In (0, 1). Default 0.01, 0.02, … 0.99. */
  readonly thresholds?: readonly number[];
  /** π, in (0, 1). Default: that of the data. */
  readonly prevalence?: number | undefined;
}

/**
 * Decision curve. With sensitivity Se and specificity Sp where positive is p ≥ t, and odds w = t / (1 − t):
 *
 *     net benefit = Se π − w (1 − Sp)(1 − π)         all: π − w (1 − π)         none: 0
 *
 * At the prevalence of the data the first is TP/n − w FP/n. A model is of use at t where it is above both others; it has
 * to be calibrated for that, since t is read as a probability.
 *
 * @param probabilities [n], of the positive answer, in [0, 1]
 * @param positives [n]
 * @returns one for each threshold; undefined without examples, and where a prevalence is given, without positives or negatives
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a probability is not in [0, 1]
 * @throws {UsageError} if a threshold is out of range
 * @throws {DataError} if the prevalence is
 * @see Vickers & Elkin 2006, doi:10.1177/0272989X06295361
 */
export function decisionCurve(
  probabilities: ArrayLike<number>,
  positives: Positives,
  { thresholds = HUNDREDTHS, prevalence }: DecisionCurveOptions = {},
): NetBenefit[] | Undefined {
  checkProbabilities('decisionCurve', probabilities, positives);
  const ranking = rank(probabilities, positives);
  const n = probabilities.length;
  const lack = lackOf(ranking);
  if (n === 0) return undefinedBecause('no examples');
  if (prevalence !== undefined) {
    checkPrevalence('decisionCurve', prevalence);
    if (lack !== undefined) return undefinedBecause(lack);
  }
  // Weights of one positive and one negative, in shares of the population.
  const sick = prevalence === undefined ? 1 / n : prevalence / ranking.positives;
  const well = prevalence === undefined ? 1 / n : (1 - prevalence) / ranking.negatives;
  return thresholds.map((threshold) => {
    if (!(threshold > 0 && threshold < 1)) {
      throw new UsageError('evaluate/threshold', `decisionCurve: expected a threshold in (0, 1), got ${threshold}`);
    }
    const odds = threshold / (1 - threshold);
    const last = countAtLeast(ranking.thresholds, threshold) - 1;
    const hits = last < 0 ? 0 : ranking.truePositives[last]!;
    const alarms = last < 0 ? 0 : ranking.falsePositives[last]!;
    return {
      threshold,
      model: hits * sick - odds * alarms * well,
      all: ranking.positives * sick - odds * ranking.negatives * well,
      none: 0,
    };
  });
}

/**
 * The thresholds at which acting on the model beats acting on everyone and on no one.
 *
 * @returns from the lowest to the highest of them, as [low, high]; undefined where there is none
 */
export function usefulRange(curve: readonly NetBenefit[] | Undefined): readonly [number, number] | Undefined {
  if (isUndefined(curve)) return curve;
  const useful = curve.filter(({ model, all }) => model > Math.max(all, 0)).map(({ threshold }) => threshold);
  return useful.length === 0
    ? undefinedBecause('at no threshold better than acting on everyone or on no one')
    : [Math.min(...useful), Math.max(...useful)];
}

const HUNDREDTHS: readonly number[] = Array.from({ length: 99 }, (_, k) => (k + 1) / 100);

/** How many of descending values are at least this. */
function countAtLeast(descending: Float64Array, value: number): number {
  let low = 0;
  let high = descending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (descending[middle]! >= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
