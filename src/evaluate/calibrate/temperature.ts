import { DataError, NumericError, ShapeError } from '../../core/errors.ts';

/** Logits of examples, each seen in one or several views. */
export interface ViewedLogits {
  /** [views in all × C], row-major; the views of an example stand together, in the order of the examples. */
  readonly logits: ArrayLike<number>;
  readonly classes: number;
  /** [n], how many views each example has, 1 at least. */
  readonly views: readonly number[];
}

/** A temperature fitted to examples. */
export interface FittedTemperature {
  /** T in softmax(z / T): above 1 where the model was too sure of itself, below 1 where it was too timid. */
  readonly temperature: number;
  /** Examples that it was fitted to. */
  readonly n: number;
}

/** Temperatures beyond 20 or below 1/20 are not looked for: such a model answers nothing, or only 0 and 1. */
const FURTHEST = Math.log(20);

/**
 * Probabilities at a temperature: the mean over an example's views of softmax(z / T).
 *
 * @param temperature above 0. Default 1: the logits as they are
 * @returns float32 [n × C], row-major
 */
export function probabilitiesAt({ logits, classes, views }: ViewedLogits, temperature = 1): Float32Array {
  const out = new Float32Array(views.length * classes);
  const p = new Float64Array(classes);
  const sums = new Float64Array(classes);
  let at = 0;
  views.forEach((count, i) => {
    sums.fill(0);
    for (let v = 0; v < count; v++, at += classes) {
      softmax(logits, at, 1 / temperature, p);
      for (let c = 0; c < classes; c++) sums[c]! += p[c]!;
    }
    for (let c = 0; c < classes; c++) out[i * classes + c] = sums[c]! / count;
  });
  return out;
}

/**
 * Temperature scaling: the T that makes the labels of validation examples most likely,
 *
 *     argmin_T  −Σᵢ ln p_T(yᵢ | xᵢ) + (ln T)² / 2σ²,
 *
 * found as the zero of its derivative. One number for all classes: the order of an image's probabilities stays. The second
 * term weighs like one example or two and vanishes beside hundreds; beside a few that are all answered correctly it keeps T
 * from 0, which would turn every later answer into a certainty.
 *
 * @param targets [n], class indices
 * @param deviation σ of ln T, above 0. Default 1; Infinity for plain maximum likelihood
 * @returns T in [1/20, 20]
 * @throws {DataError} without examples
 * @throws {ShapeError} if the numbers of logits, views and targets do not fit
 * @throws {NumericError} if a logit is not finite
 * @see Guo et al. 2017, "On calibration of modern neural networks", arXiv:1706.04599
 */
export function fitTemperature(examples: ViewedLogits, targets: ArrayLike<number>, deviation = 1): FittedTemperature {
  check(examples, targets);
  const n = targets.length;
  // u = ln 1/T, in which the slope has one zero where each example has one view: the loss is convex in 1/T.
  const slope = (u: number): number => lossSlope(examples, targets, Math.exp(u)) + u / deviation ** 2;
  let [low, high] = [-FURTHEST, FURTHEST];
  if (slope(low) >= 0) return { temperature: Math.exp(-low), n };
  if (slope(high) <= 0) return { temperature: Math.exp(-high), n };
  while (high - low > 1e-12) {
    const middle = (low + high) / 2;
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return { temperature: Math.exp(-(low + high) / 2), n };
}

/**
 * d/du of −Σ ln q at β = eᵘ, where q = meanᵥ pᵥ(y): −β Σ (Σᵥ pᵥ(y) (zᵥ(y) − Σ_c pᵥ(c) zᵥ(c))) / Σᵥ pᵥ(y).
 */
function lossSlope({ logits, classes, views }: ViewedLogits, targets: ArrayLike<number>, beta: number): number {
  const p = new Float64Array(classes);
  let slope = 0;
  let at = 0;
  views.forEach((count, i) => {
    const y = targets[i]!;
    let weights = 0;
    let weighted = 0;
    // ln pᵥ(y) of the view that is surest of it so far: the sums are relative to it, so that none underflows.
    let top = Number.NEGATIVE_INFINITY;
    for (let v = 0; v < count; v++, at += classes) {
      const logSum = softmax(logits, at, beta, p);
      let mean = 0;
      for (let c = 0; c < classes; c++) mean += p[c]! * logits[at + c]!;
      const logP = beta * logits[at + y]! - logSum;
      if (logP > top) {
        const shrink = Math.exp(top - logP);
        weights *= shrink;
        weighted *= shrink;
        top = logP;
      }
      const weight = Math.exp(logP - top);
      weights += weight;
      weighted += weight * (logits[at + y]! - mean);
    }
    slope -= (beta * weighted) / weights;
  });
  return slope;
}

/** Writes softmax(β z) of the row at `at` and returns ln Σ exp(β z). */
function softmax(logits: ArrayLike<number>, at: number, beta: number, into: Float64Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < into.length; c++) top = Math.max(top, beta * logits[at + c]!);
  let sum = 0;
  for (let c = 0; c < into.length; c++) {
    into[c] = Math.exp(beta * logits[at + c]! - top);
    sum += into[c]!;
  }
  for (let c = 0; c < into.length; c++) into[c]! /= sum;
  return top + Math.log(sum);
}

function check({ logits, classes, views }: ViewedLogits, targets: ArrayLike<number>): void {
  if (targets.length === 0) {
    throw new DataError('calibrate/empty', 'fitTemperature: expected validation examples, got none');
  }
  const rows = views.reduce((a, b) => a + b, 0);
  if (views.length !== targets.length || logits.length !== rows * classes) {
    throw new ShapeError(
      'calibrate/length',
      `fitTemperature: expected ${targets.length} examples and ${rows} × ${classes} logits, got ${views.length} and ${logits.length}`,
    );
  }
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i])) {
      throw new NumericError('calibrate/logit', `fitTemperature: expected finite logits, got ${logits[i]} at ${i}`);
    }
  }
}
