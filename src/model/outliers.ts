/** How unlike the training images an image is, from the vector that the head sees. */
import { NumericError, ShapeError } from '../core/errors.ts';
import { rngOf } from '../core/rng.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import { float32, int } from '../onnx/model.ts';
import { inverseCholesky, product, shrunkCovariance, squares, trace, widestDirections } from './subspace.ts';

/**
 * The distance to the nearest class. With f̂ = f / ‖f‖ − μ, y = Uᵀ f̂ and z = A y,
 *
 *     score² = min_c ‖z − m_c‖² + (‖f̂‖² − ‖y‖²) · residual
 *
 * the Mahalanobis distance for a covariance that all classes share, full in the subspace of U and the same in every
 * direction beside it (Tipping and Bishop 1999).
 */
export interface OutlierModel {
  /** μ [F] */
  readonly mean: Float32Array;
  /** U [F × K], row-major, orthonormal columns: the directions in which training images differ most. */
  readonly basis: Float32Array;
  /** Aᵀ [K × K], row-major: y times it has the covariance 1 within classes. */
  readonly whiten: Float32Array;
  /** m [C × K], row-major. */
  readonly centres: Float32Array;
  /** 1 / variance in each direction beside the subspace; 0 where the subspace is everything. */
  readonly residual: number;
}

/** Directions of the subspace at most, and training images that each of them needs at least. */
const DIRECTIONS = 64;
const IMAGES_A_DIRECTION = 8;
/** Beside the subspace no direction counts as less varied than this, relative to the mean variance within it. */
const LEAST = 1e-6;

/**
 * Fits the model to training images.
 *
 * @param features float32 [n × F], row-major, n ≥ 2
 * @param targets [n], class indices
 * @param classes C; those without an image are left out
 * @throws {ShapeError} fewer than two images, or lengths that do not fit
 * @throws {NumericError} a feature that is not finite
 * @see Lee et al. 2018, arXiv:1807.03888 (Mahalanobis distance of features); Mueller and Hein 2025, arXiv:2505.18032 (of
 *   normalised ones); Halko et al. 2011, doi:10.1137/090771806 (subspace iteration); Ledoit and Wolf 2004,
 *   doi:10.1016/S0047-259X(03)00096-4 (shrinkage)
 */
export function fitOutliers(
  features: Float32Array,
  targets: readonly number[],
  classes: number,
  seed = 0,
): OutlierModel {
  const n = targets.length;
  const width = features.length / n;
  if (n < 2 || !Number.isInteger(width) || width < 1) {
    throw new ShapeError(
      'model/outliers',
      `fitOutliers: expected two images or more and as many features for each, got ${n} and ${features.length} in all`,
    );
  }
  const bad = features.findIndex((f) => !Number.isFinite(f));
  if (bad >= 0)
    throw new NumericError('model/outliers', `feature ${bad}: expected a finite number, got ${features[bad]}`);
  const { rows, mean } = centred(features, n, width);
  const k = Math.max(1, Math.min(DIRECTIONS, width, Math.floor(n / IMAGES_A_DIRECTION)));
  const basis = widestDirections(rows, n, width, k, rngOf(seed, 'outliers'));
  const y = product(rows, basis, n, width, k);
  const present = Array.from({ length: classes }, (_, c) => c).filter((c) => targets.includes(c));
  const centres = new Float64Array(present.length * k);
  present.forEach((c, at) => {
    const members = targets.flatMap((t, i) => (t === c ? [i] : []));
    for (const i of members) for (let j = 0; j < k; j++) centres[at * k + j]! += y[i * k + j]! / members.length;
  });
  const within = y.slice();
  targets.forEach((t, i) => {
    const at = present.indexOf(t);
    for (let j = 0; j < k; j++) within[i * k + j]! -= centres[at * k + j]!;
  });
  const covariance = shrunkCovariance(within, n, k);
  const variance = trace(covariance, k) / k;
  const whiten = inverseCholesky(covariance, k);
  const beside = Math.max(squares(rows) - squares(y), 0) / (n * Math.max(width - k, 1));
  return {
    mean,
    basis: Float32Array.from(basis),
    whiten: Float32Array.from(whiten),
    centres: Float32Array.from(product(centres, whiten, present.length, k, k)),
    residual: width === k ? 0 : Math.fround(1 / Math.max(beside, LEAST * variance)),
  };
}

/**
 * What the graph's `ood_score` is: 0 at the middle of a class, larger the less alike.
 *
 * @param features float32 [n × F], row-major
 * @returns float32 [n]
 */
export function outlierScores(
  { mean, basis, whiten, centres, residual }: OutlierModel,
  features: Float32Array,
): Float32Array {
  const width = mean.length;
  const k = basis.length / width;
  const n = features.length / width;
  const rows = normalised(features, n, width);
  for (let i = 0; i < rows.length; i++) rows[i]! -= mean[i % width]!;
  const y = product(rows, basis, n, width, k);
  const z = product(y, whiten, n, k, k);
  return Float32Array.from({ length: n }, (_, i) => {
    let nearest = Number.POSITIVE_INFINITY;
    for (let c = 0; c < centres.length; c += k) {
      let distance = 0;
      for (let j = 0; j < k; j++) distance += (z[i * k + j]! - centres[c + j]!) ** 2;
      nearest = Math.min(nearest, distance);
    }
    const beside = squares(rows.subarray(i * width, (i + 1) * width)) - squares(y.subarray(i * k, (i + 1) * k));
    return Math.sqrt(nearest + Math.max(beside, 0) * residual);
  });
}

/**
 * The same as nodes of a graph.
 *
 * @param features name of the tensor, float32 [N, F]
 * @param output exact name of the result, float32 [N]
 */
export function addOutlierScore(builder: GraphBuilder, model: OutlierModel, features: string, output: string): void {
  const width = model.mean.length;
  const k = model.basis.length / width;
  const classes = model.centres.length / k;
  const constant = (name: string, data: Float32Array, dims: readonly number[]): string =>
    builder.constant(float32(data, dims), builder.fresh(`ood/${name}`));
  const columns = builder.ints([1]);
  // [N, …] to [N, 1]
  const sumOfSquares = (x: string): string => builder.add('ReduceSum', [builder.add('Mul', [x, x]), columns]);
  const length = builder.add('Sqrt', [sumOfSquares(features)]);
  const unit = builder.add('Div', [features, builder.add('Max', [length, builder.scalar(SHORTEST)])]);
  const f = builder.add('Sub', [unit, constant('mean', model.mean, [width])]);
  const y = builder.add('MatMul', [f, constant('basis', model.basis, [width, k])]);
  const z = builder.add('MatMul', [y, constant('whiten', model.whiten, [k, k])], {}, { name: 'ood/z' });
  // [N, 1, K] − [C, K]: differences rather than ‖z‖² − 2 zm + ‖m‖², which would lose digits.
  const apart = builder.add('Sub', [
    builder.add('Unsqueeze', [z, columns]),
    constant('centres', model.centres, [classes, k]),
  ]);
  const distances = builder.add('ReduceSum', [builder.add('Mul', [apart, apart]), builder.ints([2])], {
    keepdims: int(0),
  });
  // The minimum over classes, in a form that every operator set has alike: −max(−d) over [N, 1, C].
  const negative = builder.add('Unsqueeze', [builder.add('Neg', [distances]), columns]);
  const nearest = builder.add('Neg', [builder.add('Flatten', [builder.add('GlobalMaxPool', [negative])])]);
  const beside = builder.add('Relu', [builder.add('Sub', [sumOfSquares(f), sumOfSquares(y)])]);
  const total = builder.add('Add', [nearest, builder.add('Mul', [beside, builder.scalar(model.residual)])]);
  builder.add('Squeeze', [builder.add('Sqrt', [total]), columns], {}, { name: 'ood_score', output });
}

/** A vector is divided by its length, or by this where it is shorter. */
const SHORTEST = 1e-12;

function normalised(features: Float32Array, n: number, width: number): Float64Array {
  const rows = Float64Array.from(features);
  for (let i = 0; i < n; i++) {
    const row = rows.subarray(i * width, (i + 1) * width);
    const length = Math.max(Math.sqrt(squares(row)), SHORTEST);
    for (let j = 0; j < width; j++) row[j]! /= length;
  }
  return rows;
}

/** Normalised rows less their mean, which is rounded first: it is the float32 one that the graph will take away. */
function centred(features: Float32Array, n: number, width: number): { rows: Float64Array; mean: Float32Array } {
  const rows = normalised(features, n, width);
  const sums = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) sums[i % width]! += rows[i]!;
  const mean = Float32Array.from(sums, (sum) => sum / n);
  for (let i = 0; i < rows.length; i++) rows[i]! -= mean[i % width]!;
  return { rows, mean };
}
