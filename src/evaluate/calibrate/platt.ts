import { logit } from '../logit.ts';
import type { Positives } from '../ranking.ts';
import { checkProbabilities } from '../scored.ts';

/** P(positive) after Platt scaling: 1 / (1 + exp(−(slope · logit p + intercept))). */
export interface Platt {
  /** Above 0. */
  readonly slope: number;
  readonly intercept: number;
}

const MAX_STEPS = 100;

/**
 * Platt scaling of a probability, by Newton's method with step halving. What temperature scaling cannot do: undo a shift, as
 * class weights and a change of prevalence leave behind. The labels are taken as (N₊ + 1) / (N₊ + 2) and 1 / (N₋ + 2), which
 * keeps the fit finite where probabilities separate them.
 *
 * @param probabilities [n], of the positive answer, in [0, 1]
 * @param positives [n]
 * @returns undefined where positives or negatives are lacking, or higher probabilities do not mean more positives
 * @throws {ShapeError|NumericError} see `checkProbabilities`
 * @see Platt 1999; Lin, Lin and Weng 2007, doi:10.1007/s10994-007-5018-6
 */
export function fitPlatt(probabilities: ArrayLike<number>, positives: Positives): Platt | undefined {
  checkProbabilities('fitPlatt', probabilities, positives);
  const n = probabilities.length;
  const x = Float64Array.from(probabilities, logit);
  let nPositive = 0;
  for (let i = 0; i < n; i++) if (positives[i]) nPositive++;
  if (nPositive === 0 || nPositive === n) return undefined;
  const [yes, no] = [(nPositive + 1) / (nPositive + 2), 1 / (n - nPositive + 2)];
  const t = Float64Array.from({ length: n }, (_, i) => (positives[i] ? yes : no));
  let [a, b] = [1, 0];
  let loss = lossOf(x, t, a, b);
  for (let step = 0; step < MAX_STEPS; step++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 1e-12, 0, 1e-12];
    for (let i = 0; i < n; i++) {
      const p = sigmoid(a * x[i]! + b);
      const [d, w] = [p - t[i]!, p * (1 - p)];
      ga += d * x[i]!;
      gb += d;
      haa += w * x[i]! * x[i]!;
      hab += w * x[i]!;
      hbb += w;
    }
    if (Math.max(Math.abs(ga), Math.abs(gb)) < 1e-10 * n) break;
    const determinant = haa * hbb - hab * hab;
    const [da, db] = [-(hbb * ga - hab * gb) / determinant, -(haa * gb - hab * ga) / determinant];
    let size = 1;
    let next = lossOf(x, t, a + da, b + db);
    // Not below the rounding of the loss itself.
    while (!(next <= loss + 1e-4 * size * (ga * da + gb * db)) && size > 1e-10) {
      size /= 2;
      next = lossOf(x, t, a + size * da, b + size * db);
    }
    if (size <= 1e-10) break;
    [a, b, loss] = [a + size * da, b + size * db, next];
  }
  return a > 0 && Number.isFinite(a) && Number.isFinite(b) ? { slope: a, intercept: b } : undefined;
}

/** The calibrated probability; the order of probabilities stays. */
export function applyPlatt({ slope, intercept }: Platt, probability: number): number {
  return sigmoid(slope * logit(probability) + intercept);
}

function sigmoid(z: number): number {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : Math.exp(z) / (1 + Math.exp(z));
}

/** Σ t ln(1 + e⁻ᶻ) + (1 − t) ln(1 + eᶻ), z = a x + b. */
function lossOf(x: Float64Array, t: Float64Array, a: number, b: number): number {
  let loss = 0;
  for (let i = 0; i < x.length; i++) {
    const z = a * x[i]! + b;
    loss += Math.log1p(Math.exp(-Math.abs(z))) + Math.max(z, 0) - t[i]! * z;
  }
  return loss;
}
