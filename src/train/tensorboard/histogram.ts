import { NumericError, ShapeError } from '../../core/errors.ts';

/** Counts of values in buckets, as TensorBoard takes them. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  /** How many values. */
  readonly num: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** Upper end of each bucket, ascending; the last is `max`. */
  readonly bucketLimit: readonly number[];
  /** Values in each bucket; the first starts at `min`. */
  readonly bucket: readonly number[];
}

/**
 * Counts values in buckets of equal width from the smallest to the largest value; one bucket where all are equal.
 *
 * @param values at least one, finite
 * @param buckets how many. Default 30
 * @throws {ShapeError} without values
 * @throws {NumericError} if a value is not finite
 */
export function histogramOf(values: ArrayLike<number>, buckets = 30): Histogram {
  if (values.length === 0) throw new ShapeError('tensorboard/empty', 'histogram: expected values, got none');
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let sumSquares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) {
      throw new NumericError('tensorboard/not-finite', `histogram, value ${i}: expected a finite number, got ${value}`);
    }
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    sumSquares += value * value;
  }
  const count = min === max ? 1 : buckets;
  const width = (max - min) / count;
  const bucket = new Array<number>(count).fill(0);
  for (let i = 0; i < values.length; i++) {
    bucket[min === max ? 0 : Math.min(count - 1, Math.floor((values[i]! - min) / width))]!++;
  }
  const bucketLimit = bucket.map((_, k) => (k === count - 1 ? max : min + (k + 1) * width));
  return { min, max, num: values.length, sum, sumSquares, bucketLimit, bucket };
}
