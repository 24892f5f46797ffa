import { ShapeError, UsageError } from '../core/errors.ts';
import { rngOf } from '../core/rng.ts';
import { type Groups, membersOf } from './groups.ts';
import {
  type IntervalMetric,
  isDefined,
  isUndefined,
  type Metric,
  minus,
  type Undefined,
  undefinedBecause,
} from './metric.ts';
import { checkLength } from './scored.ts';

export interface BootstrapOptions {
  /** Default 0. */
  readonly seed?: number;
  /** How many times to draw. Default 2000. */
  readonly resamples?: number;
  /** Share of the resamples inside the interval, in (0, 1). Default 0.95. */
  readonly level?: number;
}

export interface ResamplingOptions extends BootstrapOptions {
  /**
   * [n], a stratum of each example, such as its class. Each resample then has as many groups of every kind as the data;
   * the kind of a group is the set of strata that it has examples of. Default: all groups are of one kind.
   */
  readonly strata?: ArrayLike<string | number | boolean> | undefined;
}

/** The difference of a metric between two models on the same examples, second minus first. */
export interface PairedDifference {
  readonly first: Metric;
  readonly second: Metric;
  readonly difference: Metric;
  /** Percentile bootstrap, both models on the same resample. */
  readonly interval: IntervalMetric;
  /**
   * Two-sided: twice the smaller number of resamples on one side of 0, (2 (count + 1)) / (resamples + 1), at most 1.
   * Below 0.05 where the 95 % interval leaves 0 out, but for Monte-Carlo error.
   */
  readonly pValue: Metric;
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
 * @throws {ShapeError} if there is not one stratum for each example
 * @see Efron & Tibshirani 1993, ch. 13; Field & Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x (groups);
 *   Davison & Hinkley 1997, ch. 3.2 (strata)
 */
export function bootstrapInterval(
  groups: Groups,
  metric: (rows: Int32Array) => Metric,
  options: ResamplingOptions = {},
): IntervalMetric {
  const values = resampled(groups, metric, options);
  return isUndefined(values) ? values : percentiles(values, options);
}

/**
 * Percentile bootstrap of the difference of a metric between two models, paired: both are judged on the same resamples.
 *
 * @param groups [n], as for `bootstrapInterval`
 * @param first metric of one model on the drawn examples
 * @param second metric of the other
 * @throws {UsageError} if an option is out of range
 * @throws {ShapeError} if there is not one stratum for each example
 * @see Efron & Tibshirani 1993, ch. 13 and 15.4 (p by inverting the interval)
 */
export function bootstrapDifference(
  groups: Groups,
  first: (rows: Int32Array) => Metric,
  second: (rows: Int32Array) => Metric,
  options: ResamplingOptions = {},
): PairedDifference {
  const difference = (rows: Int32Array): Metric => minus(second(rows), first(rows));
  const all = Int32Array.from(groups.keys());
  const values = resampled(groups, difference, options);
  const paired = { first: first(all), second: second(all), difference: difference(all) };
  if (isUndefined(values)) return { ...paired, interval: values, pValue: values };
  const below = values.filter((value) => value <= 0).length;
  const above = values.filter((value) => value >= 0).length;
  return {
    ...paired,
    interval: percentiles(values, options),
    pValue: Math.min(1, (2 * (Math.min(below, above) + 1)) / (values.length + 1)),
  };
}

/** Values of the metric in the resamples in which it has one, ascending. */
function resampled(
  groups: Groups,
  metric: (rows: Int32Array) => Metric,
  { seed = 0, resamples = 2000, level = 0.95, strata }: ResamplingOptions,
): Float64Array | Undefined {
  if (!(Number.isInteger(resamples) && resamples > 0)) {
    throw new UsageError('evaluate/resamples', `bootstrap: expected resamples ≥ 1, got ${resamples}`);
  }
  if (!(level > 0 && level < 1)) {
    throw new UsageError('evaluate/level', `bootstrap: expected a level in (0, 1), got ${level}`);
  }
  const members = membersOf(groups);
  const kinds = strata === undefined ? [members] : kindsOf(members, strata, groups.length);
  if (members.length < 2) return undefinedBecause(members.length === 0 ? 'no examples' : 'only one group of examples');

  const rng = rngOf(seed, 'bootstrap');
  const values: number[] = [];
  for (let b = 0; b < resamples; b++) {
    const drawn: number[] = [];
    for (const kind of kinds) {
      for (let g = 0; g < kind.length; g++) {
        for (const row of kind[rng.int(0, kind.length - 1)]!) drawn.push(row);
      }
    }
    const value = metric(new Int32Array(drawn));
    if (isDefined(value)) values.push(value);
  }
  if (values.length * 2 < resamples) return undefinedBecause('undefined in most resamples: too few examples');
  return Float64Array.from(values).sort();
}

/** Groups by the set of strata that they have examples of, kinds in order of first appearance. */
function kindsOf(
  members: readonly number[][],
  strata: ArrayLike<string | number | boolean>,
  n: number,
): readonly (readonly number[][])[] {
  checkLength('bootstrap', 'strata', strata.length, n);
  const kinds = new Map<string, number[][]>();
  for (const rows of members) {
    const kind = [...new Set(rows.map((row) => String(strata[row])))].sort().join('\u0000');
    const found = kinds.get(kind);
    if (found === undefined) kinds.set(kind, [rows]);
    else found.push(rows);
  }
  return [...kinds.values()];
}

function percentiles(values: Float64Array, { level = 0.95 }: BootstrapOptions): IntervalMetric {
  return [quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)];
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
