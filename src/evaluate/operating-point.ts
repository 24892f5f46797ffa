import { UsageError } from '../core/errors.ts';
import { lackOf } from './auc.ts';
import type { Counts } from './counts.ts';
import { type IntervalMetric, type Undefined, undefinedBecause } from './metric.ts';
import { type Positives, type Ranking, rank } from './ranking.ts';
import { checkPrevalence, checkProbabilities } from './scored.ts';
import { wilsonInterval } from './wilson.ts';

/** How a threshold is chosen. */
export type OperatingRule =
  /** The highest threshold whose sensitivity is at least this: the best specificity among those that miss so few. */
  | { readonly kind: 'sensitivity'; readonly atLeast: number }
  /** The largest sensitivity + specificity − 1. */
  | { readonly kind: 'youden' }
  /**
   * The least expected cost, missed · π (1 − sensitivity) + falseAlarm · (1 − π)(1 − specificity), where a missed
   * positive costs `missed` and a false alarm `falseAlarm`. π: `prevalence`, by default that of the data.
   */
  | {
      readonly kind: 'cost';
      readonly missed: number;
      readonly falseAlarm: number;
      readonly prevalence?: number | undefined;
    };

/** A threshold, and what it achieves on the examples that it was chosen on: an optimistic figure, not a result. */
export interface OperatingPoint {
  /** The answer is positive at this probability or above. */
  readonly threshold: number;
  readonly rule: OperatingRule;
  readonly sensitivity: number;
  /** 95 %, Wilson. */
  readonly sensitivity95: IntervalMetric;
  readonly specificity: number;
  /** 95 %, Wilson. */
  readonly specificity95: IntervalMetric;
  readonly counts: Counts;
  readonly n: number;
  readonly nPositive: number;
}

/** Of a hundred malignant lesions at most five are missed. */
export const DEFAULT_RULE: OperatingRule = { kind: 'sensitivity', atLeast: 0.95 };

/**
 * Chooses the threshold. Choose on validation, then apply to the test set with `countsAt`: chosen on the test set
 * itself, sensitivity and specificity would be too good.
 *
 * The threshold lies halfway between two neighbouring probabilities that occur (below the lowest, halfway to 0), so
 * that rounding in another runtime moves no example across it. Of equally good ones the lowest is taken: it misses least.
 *
 * @param probabilities [n], of the positive answer, in [0, 1]
 * @param positives [n]
 * @param rule default: sensitivity of at least 0.95
 * @returns undefined where positives or negatives are lacking, or where it is cheapest to call nothing positive
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a probability is not in [0, 1]
 * @throws {UsageError} if the rule is out of range
 * @see Youden 1950, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3; Metz 1978,
 *   doi:10.1016/S0001-2998(78)80014-2 (costs)
 */
export function chooseOperatingPoint(
  probabilities: ArrayLike<number>,
  positives: Positives,
  rule: OperatingRule = DEFAULT_RULE,
): OperatingPoint | Undefined {
  checkRule(rule);
  checkProbabilities('chooseOperatingPoint', probabilities, positives);
  const ranking = rank(probabilities, positives);
  const lack = lackOf(ranking);
  if (lack !== undefined) return undefinedBecause(lack);
  const at = bestOf(ranking, rule);
  if (at === undefined) return undefinedBecause('at these costs it is cheapest to call nothing positive');

  const truePositives = ranking.truePositives[at]!;
  const falsePositives = ranking.falsePositives[at]!;
  const trueNegatives = ranking.negatives - falsePositives;
  return {
    threshold: between(ranking.thresholds[at]!, ranking.thresholds[at + 1] ?? 0),
    rule,
    sensitivity: truePositives / ranking.positives,
    sensitivity95: wilsonInterval(truePositives, ranking.positives),
    specificity: trueNegatives / ranking.negatives,
    specificity95: wilsonInterval(trueNegatives, ranking.negatives),
    counts: {
      truePositives,
      falsePositives,
      trueNegatives,
      falseNegatives: ranking.positives - truePositives,
    },
    n: probabilities.length,
    nPositive: ranking.positives,
  };
}

/** Halfway, or the higher one where no number lies between. */
function between(high: number, low: number): number {
  const middle = (high + low) / 2;
  return middle > low || low === 0 ? middle : high;
}

/** Index of the chosen threshold; undefined: above them all. */
function bestOf(ranking: Ranking, rule: OperatingRule): number | undefined {
  const { truePositives, falsePositives, positives, negatives } = ranking;
  if (rule.kind === 'sensitivity') {
    // A share of counts may fall short of its own decimal by rounding: 0.95 · 20 is 19.
    return truePositives.findIndex((hits) => hits >= rule.atLeast * positives - 1e-9);
  }
  const prevalence = rule.kind === 'cost' ? (rule.prevalence ?? positives / (positives + negatives)) : 0.5;
  const [missed, falseAlarm] = rule.kind === 'cost' ? [rule.missed, rule.falseAlarm] : [1, 1];
  let best: number | undefined;
  let least = missed * prevalence;
  for (let k = 0; k < truePositives.length; k++) {
    const cost =
      missed * prevalence * (1 - truePositives[k]! / positives) +
      falseAlarm * (1 - prevalence) * (falsePositives[k]! / negatives);
    // Equal costs differ by rounding.
    if (cost <= least + 1e-12) {
      best = k;
      least = Math.min(cost, least);
    }
  }
  return best;
}

function checkRule(rule: OperatingRule): void {
  if (rule.kind === 'sensitivity' && !(rule.atLeast > 0 && rule.atLeast <= 1)) {
    throw new UsageError(
      'evaluate/operating-rule',
      `operating point: expected a sensitivity in (0, 1], got ${rule.atLeast}`,
    );
  }
  if (rule.kind !== 'cost') return;
  for (const [name, cost] of [
    ['missed', rule.missed],
    ['falseAlarm', rule.falseAlarm],
  ] as const) {
    if (!(cost > 0 && cost < Infinity)) {
      throw new UsageError('evaluate/operating-rule', `operating point: expected a cost ${name} > 0, got ${cost}`);
    }
  }
  if (rule.prevalence !== undefined) checkPrevalence('operating point', rule.prevalence);
}
