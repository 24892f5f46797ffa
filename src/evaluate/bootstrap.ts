import { ShapeError, UsageError } from '../core/errors.ts';
import { rngOf } from '../core/rng.ts';
import { type IntervalMetric, isDefined, type Metric, undefinedBecause } from './metric.ts';

export interface BootstrapOptions {
  /** Default 0. */
  readonly seed?: number;
  /** How many times to draw. Default 2000. */
  readonly resamples?: number;
  /** Share of the resamples inside the interval, in (0, 1). Default 0.95. */
  readonly level?: number;
}

/**
 * Percentile bootstrap interval of any metric, over groups: whole groups (lesions, patients) are drawn with
 * replacement, as many as there are, so that images of one lesion are never taken for independent evidence.
 *
 * A resample in which the metric is undefined is left out; where that happens to more than half of them, the interval is undefined.
 *
 * @param groups [n], the group of each example; undefined: a group of its own
 * @param metric receives the indices of the drawn examples, with repeats
 * @returns undefined with fewer than two groups
 * @throws {UsageError} if an option is out of range
 * @see Efron & Tibshirani 1993, ch. 13; Field & Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x (groups)
 */
export function bootstrapInterval(
  groups: readonly (string | undefined)[],
  metric: (rows: Int32Array) => Metric,
  { seed = 0, resamples = 2000, level = 0.95 }: BootstrapOptions = {},
): IntervalMetric {
  if (!(Number.isInteger(resamples) && resamples > 0)) {
    throw new UsageError('evaluate/resamples', `bootstrapInterval: expected resamples ≥ 1, got ${resamples}`);
  }
  if (!(level > 0 && level < 1)) {
    throw new UsageError('evaluate/level', `bootstrapInterval: expected a level in (0, 1), got ${level}`);
  }
  const members = membersOf(groups);
  if (members.length < 2) return undefinedBecause(members.length === 0 ? 'no examples' : 'only one group of examples');

  const rng = rngOf(seed, 'bootstrap');
  const values: number[] = [];
  for (let b = 0; b < resamples; b++) {
    const drawn: number[] = [];
    for (let g = 0; g < members.length; g++) {
      for (const row of members[rng.int(0, members.length - 1)]!) drawn.push(row);
    }
    const value = metric(Int32Array.from(drawn));
    if (isDefined(value)) values.push(value);
  }
  if (values.length * 2 < resamples) return undefinedBecause('undefined in most resamples: too few examples');
  values.sort((a, b) => a - b);
  return [quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)];
}

/** The examples of each group, groups in order of first appearance. */
export function membersOf(groups: readonly (string | undefined)[]): number[][] {
  const members: number[][] = [];
  const known = new Map<string, number[]>();
  groups.forEach((group, row) => {
    const found = group === undefined ? undefined : known.get(group);
    if (found !== undefined) {
      found.push(row);
      return;
    }
    const fresh = [row];
    members.push(fresh);
    if (group !== undefined) known.set(group, fresh);
  });
  return members;
}

/**
 * The q-quantile of ascending values, linear between neighbours.
 *
 * @param sorted at least one value
 * @param q in [0, 1]
 * @throws {ShapeError} without values
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) throw new ShapeError('evaluate/empty', 'quantile: expected at least one value, got none');
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (position - below);
}
