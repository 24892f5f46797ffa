import { logit } from './logit.ts';
import { type Estimate, undefinedBecause } from './metric.ts';
import type { Positives } from './ranking.ts';
import { checkProbabilities } from './scored.ts';
import { Z95 } from './wilson.ts';

/** How probabilities would have to be bent to fit. Perfect: slope 1, both intercepts 0. */
export interface CalibrationLine {
  /** b of logit P(positive) = a + b logit p. Below 1: too extreme (overfitted); above: too timid. Wald. */
  readonly slope: Estimate;
  /** a, jointly with the slope. Wald. */
  readonly intercept: Estimate;
  /** a with b held at 1, calibration in the large: below 0 probabilities are too high on the whole. Wald. */
  readonly interceptAtSlope1: Estimate;
}

/**
 * Calibration slope and intercept: logistic regression of the truth on the logit of the probability, by Newton's method.
 * Probabilities are clipped to [2⁻²³, 1 − 2⁻²³]. Examples are taken as independent.
 *
 * @param probabilities [n], of the positive answer, in [0, 1]
 * @param positives [n]
 * @returns slope and intercept are undefined where positives or negatives are lacking, where all probabilities are equal,
 *   and where a threshold separates the classes perfectly: the fit is then infinite
 * @throws {ShapeError} if the lengths differ
 * @throws {NumericError} if a probability is not in [0, 1]
 * @see Cox 1958, doi:10.1093/biomet/45.3-4.562; Van Calster et al. 2019, doi:10.1186/s12916-019-1466-7
 */
export function calibrationLine(probabilities: ArrayLike<number>, positives: Positives): CalibrationLine {
  checkProbabilities('calibrationLine', probabilities, positives);
  const x = Float64Array.from(probabilities, logit);
  const y = Uint8Array.from({ length: x.length }, (_, i) => (positives[i] ? 1 : 0));
  const found = y.reduce((sum, value) => sum + value, 0);
  if (found === 0 || found === y.length) {
    const lack = y.length === 0 ? 'no examples' : found === 0 ? 'no positive example' : 'no negative example';
    return { slope: none(lack), intercept: none(lack), interceptAtSlope1: none(lack) };
  }
  const shift = fitted(x, y, [0, 1], false);
  const interceptAtSlope1 = shift === undefined ? none('the fit does not converge') : wald(shift.a, shift.varianceA);
  const reason = whyNoSlope(x, y);
  if (reason !== undefined) return { slope: none(reason), intercept: none(reason), interceptAtSlope1 };
  const line = fitted(x, y, [Math.log(found / (y.length - found)), 0], true);
  if (line === undefined) {
    const failed = none('the fit does not converge');
    return { slope: failed, intercept: failed, interceptAtSlope1 };
  }
  return { slope: wald(line.b, line.varianceB), intercept: wald(line.a, line.varianceA), interceptAtSlope1 };
}

interface Fit {
  readonly a: number;
  readonly b: number;
  readonly varianceA: number;
  readonly varianceB: number;
}

/** Newton's method on the log likelihood Σ y η − ln(1 + e^η), η = a + b x, each step halved until it climbs. */
function fitted(x: Float64Array, y: Uint8Array, [a0, b0]: [number, number], withSlope: boolean): Fit | undefined {
  let a = a0;
  let b = b0;
  let likelihood = likelihoodOf(x, y, a, b);
  for (let step = 0; step < 200; step++) {
    let gradientA = 0;
    let gradientB = 0;
    let aa = 0;
    let ab = 0;
    let bb = 0;
    for (let i = 0; i < x.length; i++) {
      const p = 1 / (1 + Math.exp(-a - b * x[i]!));
      const weight = p * (1 - p);
      gradientA += y[i]! - p;
      gradientB += (y[i]! - p) * x[i]!;
      aa += weight;
      ab += weight * x[i]!;
      bb += weight * x[i]! * x[i]!;
    }
    const determinant = withSlope ? aa * bb - ab * ab : aa;
    if (!(determinant > 0)) return undefined;
    const moveA = withSlope ? (bb * gradientA - ab * gradientB) / determinant : gradientA / aa;
    const moveB = withSlope ? (aa * gradientB - ab * gradientA) / determinant : 0;
    if (Math.abs(moveA) <= 1e-11 * (1 + Math.abs(a)) && Math.abs(moveB) <= 1e-11 * (1 + Math.abs(b))) {
      return { a, b, varianceA: withSlope ? bb / determinant : 1 / aa, varianceB: withSlope ? aa / determinant : 0 };
    }
    let size = 1;
    let next = likelihoodOf(x, y, a + moveA, b + moveB);
    // Near the top the likelihood no longer tells a step from rounding.
    while (!(next >= likelihood - 1e-12 * Math.abs(likelihood)) && size > 1e-6) {
      size /= 2;
      next = likelihoodOf(x, y, a + size * moveA, b + size * moveB);
    }
    a += size * moveA;
    b += size * moveB;
    likelihood = next;
  }
  return undefined;
}

function likelihoodOf(x: Float64Array, y: Uint8Array, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const eta = a + b * x[i]!;
    // ln(1 + e^η) without overflow.
    sum += y[i]! * eta - Math.max(eta, 0) - Math.log1p(Math.exp(-Math.abs(eta)));
  }
  return sum;
}

/** A line has a finite best fit if and only if positives and negatives overlap. */
function whyNoSlope(x: Float64Array, y: Uint8Array): string | undefined {
  const range = [0, 1].map((kind) => {
    const values = x.filter((_, i) => y[i] === kind);
    return values.reduce(({ low, high }, v) => ({ low: Math.min(low, v), high: Math.max(high, v) }), {
      low: Infinity,
      high: -Infinity,
    });
  });
  const negatives = range[0]!;
  const positives = range[1]!;
  const low = Math.min(negatives.low, positives.low);
  if (low === Math.max(negatives.high, positives.high)) return 'all probabilities are equal';
  const apart = positives.low >= negatives.high || negatives.low >= positives.high;
  return apart ? 'a threshold separates the classes: the slope is infinite' : undefined;
}

function wald(value: number, variance: number): Estimate {
  const half = Z95 * Math.sqrt(variance);
  return { value, interval95: [value - half, value + half] };
}

function none(reason: string): Estimate {
  return { value: undefinedBecause(reason), interval95: undefinedBecause(reason) };
}
