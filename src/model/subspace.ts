/** The linear algebra of `outliers.ts`: row-major matrices of doubles. */
import type { Rng } from '../core/rng.ts';

/** Rounds of subspace iteration. The variance that is left out is counted as it is, so that the last digits do not matter. */
const ROUNDS = 5;

/** Orthonormal [F × K] that spans, nearly, the leading principal directions of [n × F]. */
export function widestDirections(rows: Float64Array, n: number, width: number, k: number, rng: Rng): Float64Array {
  let basis = Float64Array.from({ length: width * k }, () => rng.uniform(-1, 1));
  for (let round = 0; round < ROUNDS; round++) {
    orthonormalise(basis, width, k, rng);
    const y = product(rows, basis, n, width, k);
    basis = new Float64Array(width * k);
    for (let i = 0; i < n; i++) {
      for (let f = 0; f < width; f++) {
        const x = rows[i * width + f]!;
        if (x === 0) continue;
        for (let j = 0; j < k; j++) basis[f * k + j]! += x * y[i * k + j]!;
      }
    }
  }
  orthonormalise(basis, width, k, rng);
  return basis;
}

/** Gram–Schmidt, twice. A column that the others already span is drawn anew. */
function orthonormalise(basis: Float64Array, width: number, k: number, rng: Rng): void {
  for (let j = 0; j < k; j++) {
    for (let before = columnLength(basis, width, k, j), pass = 0; pass < 2; pass++) {
      for (let i = 0; i < j; i++) {
        let dot = 0;
        for (let f = 0; f < width; f++) dot += basis[f * k + i]! * basis[f * k + j]!;
        for (let f = 0; f < width; f++) basis[f * k + j]! -= dot * basis[f * k + i]!;
      }
      const length = columnLength(basis, width, k, j);
      if (length <= 1e-10 * before || length === 0) {
        for (let f = 0; f < width; f++) basis[f * k + j] = rng.uniform(-1, 1);
        before = columnLength(basis, width, k, j);
        pass = -1;
        continue;
      }
      for (let f = 0; f < width; f++) basis[f * k + j]! /= length;
      before = 1;
    }
  }
}

function columnLength(basis: Float64Array, width: number, k: number, j: number): number {
  let sum = 0;
  for (let f = 0; f < width; f++) sum += basis[f * k + j]! ** 2;
  return Math.sqrt(sum);
}

/**
 * Covariance of rows of mean zero, drawn towards the same variance in every direction as far as they are few:
 * (1 − α) S + α tr(S)/K · 1 with the α of Ledoit and Wolf. A little of it always, so that it has an inverse.
 */
export function shrunkCovariance(rows: Float64Array, n: number, k: number): Float64Array {
  const s = new Float64Array(k * k);
  let fourth = 0;
  for (let i = 0; i < n; i++) {
    const row = rows.subarray(i * k, (i + 1) * k);
    for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) s[a * k + b]! += (row[a]! * row[b]!) / n;
    fourth += squares(row) ** 2;
  }
  const mean = trace(s, k) / k;
  const spread = squares(s) - k * mean ** 2;
  const noise = fourth / n ** 2 - squares(s) / n;
  const alpha = spread <= 0 ? 1 : Math.min(1, Math.max(noise / spread, 1e-3));
  for (let i = 0; i < k * k; i++) s[i]! *= 1 - alpha;
  // Where nothing varies within classes at all, any scale is as good.
  for (let a = 0; a < k; a++) s[a * k + a]! += alpha * mean + (mean === 0 ? 1e-12 : 0);
  return s;
}

/** L⁻ᵀ of S = L Lᵀ: y L⁻ᵀ has covariance 1 where y has S. */
export function inverseCholesky(s: Float64Array, k: number): Float64Array {
  const l = new Float64Array(k * k);
  for (let a = 0; a < k; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = s[a * k + b]!;
      for (let c = 0; c < b; c++) sum -= l[a * k + c]! * l[b * k + c]!;
      l[a * k + b] = a === b ? Math.sqrt(sum) : sum / l[b * k + b]!;
    }
  }
  const inverse = new Float64Array(k * k);
  for (let column = 0; column < k; column++) {
    for (let a = column; a < k; a++) {
      let sum = a === column ? 1 : 0;
      for (let c = column; c < a; c++) sum -= l[a * k + c]! * inverse[column * k + c]!;
      inverse[column * k + a] = sum / l[a * k + a]!;
    }
  }
  return inverse;
}

/** [n × w] · [w × k] */
export function product(
  a: Float64Array,
  b: Float64Array | Float32Array,
  n: number,
  w: number,
  k: number,
): Float64Array {
  const out = new Float64Array(n * k);
  for (let i = 0; i < n; i++) {
    for (let f = 0; f < w; f++) {
      const x = a[i * w + f]!;
      if (x === 0) continue;
      for (let j = 0; j < k; j++) out[i * k + j]! += x * b[f * k + j]!;
    }
  }
  return out;
}

/** Sum of squares. */
export function squares(values: Float64Array): number {
  let sum = 0;
  for (const v of values) sum += v * v;
  return sum;
}

export function trace(s: Float64Array, k: number): number {
  let sum = 0;
  for (let a = 0; a < k; a++) sum += s[a * k + a]!;
  return sum;
}
