import { rngOf, shuffled } from '../../../../src/core/rng.ts';
import { float32, sizeOf, type Tensor } from '../../../../src/onnx/model.ts';
import type { Case } from '../../finite-differences.ts';

/** At least one case per operator. */
export type Cases = readonly [Case, ...Case[]];

/** Smooth values: uniform in [low, high). */
export function uniform(dims: readonly number[], seed = 1, low = -1, high = 1): Tensor {
  const rng = rngOf(seed, 'uniform', dims.join());
  return float32(
    Array.from({ length: sizeOf(dims) }, () => rng.uniform(low, high)),
    dims,
  );
}

/** Distance between neighbouring values of `spaced`. */
export const SPACING = 0.15;

/**
 * Distinct values in random order, odd multiples of half the spacing on both sides of 0: no two are closer than 0.15, and
 * none is closer than 0.075 to 0 or to a multiple of 0.15, so that finite differences never step over a kink.
 */
export function spaced(dims: readonly number[], seed = 1): Tensor {
  const n = sizeOf(dims);
  const values = Array.from({ length: n }, (_, i) => (2 * i + 1 - n + (n % 2)) * (SPACING / 2));
  return float32(shuffled(values, rngOf(seed, 'spaced', dims.join())), dims);
}
