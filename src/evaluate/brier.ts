import { NumericError } from '../core/errors.ts';
import { type Metric, ratio, type Undefined, undefinedBecause } from './metric.ts';
import type { Positives } from './ranking.ts';
import { type BinOptions, binsOf } from './reliability.ts';
import { checkLength, checkProbabilities } from './scored.ts';

/** The Brier score in parts: brier = reliability − resolution + uncertainty + withinBins. */
export interface BrierDecomposition {
  /** Mean (p − y)². */
  readonly brier: number;
  /** Σ n_b/n (predicted_b − observed_b)²: what better calibration would win. 0 is best. */
  readonly reliability: number;
  /** Σ n_b/n (observed_b − prevalence)²: how far the bins tell examples apart. High is good. */
  readonly resolution: number;
  /** prevalence (1 − prevalence): the Brier score of always answering the prevalence. */
  readonly uncertainty: number;
  /** What the bins hide: Σ (p − predicted_b)² / n − 2 Σ (p − predicted_b)(y − observed_b) / n. 0 where a bin has one p. */
  readonly withinBins: number;
  /** 1 − brier / uncertainty: 1 is perfect, 0 no better than the prevalence. Undefined where there is but one class. */
  readonly skill: Metric;
}

/**
 * Brier score of a yes-or-no question: mean (p − y)², in [0, 1].
 *
 * @param probabilities [n], of the positive answer, in [0, 1]
 * @param positives [n]
 * @returns undefined without examples
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a probability is not in [0, 1]
 * @see Brier 1950, doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2
 */
export function brierScore(probabilities: ArrayLike<number>, positives: Positives): Metric {
  checkProbabilities('brierScore', probabilities, positives);
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) sum += (probabilities[i]! - (positives[i] ? 1 : 0)) ** 2;
  return ratio(sum, probabilities.length, 'no examples');
}

/**
 * Brier score of several classes, as Brier defined it: mean over examples of Σ_c (p_c − [c is true])², in [0, 2]. With
 * two classes twice `brierScore`.
 *
 * @param probabilities [n × classes], row-major, in [0, 1]
 * @param targets [n], class indices
 * @returns undefined without examples
 * @throws {ShapeError} if the lengths do not fit
 * @throws {NumericError} if a probability is not finite
 */
export function brierScoreOfClasses(
  probabilities: ArrayLike<number>,
  targets: ArrayLike<number>,
  classes: number,
): Metric {
  checkLength('brierScoreOfClasses', 'probabilities', probabilities.length, targets.length * classes);
  let sum = 0;
  for (let k = 0; k < probabilities.length; k++) {
    const p = probabilities[k]!;
    if (!Number.isFinite(p)) {
      throw new NumericError(
        'evaluate/probability',
        `brierScoreOfClasses: expected a finite probability at ${k}, got ${p}`,
      );
    }
    sum += (p - (targets[Math.floor(k / classes)] === k % classes ? 1 : 0)) ** 2;
  }
  return ratio(sum, targets.length, 'no examples');
}

/**
 * Murphy's decomposition of the Brier score over bins, with the part that bins hide, so that it adds up exactly.
 *
 * @param options `bins` (10), `binning` (`width`), as for `reliabilityCurve`
 * @returns undefined without examples
 * @throws as `reliabilityCurve`
 * @see Murphy 1973, doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; Stephenson et al. 2008,
 *   doi:10.1175/2007WAF2006116.1 (within bins)
 */
export function brierDecomposition(
  probabilities: ArrayLike<number>,
  positives: Positives,
  options: BinOptions = {},
): BrierDecomposition | Undefined {
  const brier = brierScore(probabilities, positives);
  if (typeof brier !== 'number') return brier;
  const n = probabilities.length;
  const truth = Array.from({ length: n }, (_, i): number => (positives[i] ? 1 : 0));
  const prevalence = truth.reduce((sum, y) => sum + y, 0) / n;
  let reliability = 0;
  let resolution = 0;
  let withinBins = 0;
  for (const { rows } of binsOf(probabilities, options)) {
    const predicted = rows.reduce((sum, row) => sum + probabilities[row]!, 0) / rows.length;
    const observed = rows.reduce((sum, row) => sum + truth[row]!, 0) / rows.length;
    reliability += (rows.length / n) * (predicted - observed) ** 2;
    resolution += (rows.length / n) * (observed - prevalence) ** 2;
    for (const row of rows) {
      const offset = probabilities[row]! - predicted;
      withinBins += (offset * offset - 2 * offset * (truth[row]! - observed)) / n;
    }
  }
  const uncertainty = prevalence * (1 - prevalence);
  const skill =
    uncertainty === 0
      ? undefinedBecause(prevalence === 0 ? 'no positive example' : 'no negative example')
      : 1 - brier / uncertainty;
  return { brier, reliability, resolution, uncertainty, withinBins, skill };
}
