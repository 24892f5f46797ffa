import { DataError } from '../core/errors.ts';
import { type IntervalMetric, isDefined, type Metric, undefinedBecause } from './metric.ts';
import { wilsonInterval } from './wilson.ts';

/** How much an interval leaves open, and what it would take to know better. */
export interface Precision {
  /** What was counted: `positive cases` for sensitivity, `cases` for accuracy. */
  readonly unit: string;
  /** How many independent ones there are. */
  readonly n: number;
  /** Upper minus lower end of the 95 % interval. */
  readonly width: Metric;
  /** How many in all would halve the width, if the figure stays. */
  readonly nToHalve: Metric;
  /** The width is above `maxWidth`, or the interval undefined: too few to tell. */
  readonly tooWide: boolean;
  /** A sentence for the reader where it is; else undefined. */
  readonly warning: string | undefined;
}

export interface PrecisionOptions {
  /** The widest interval that goes without a warning. Default 0.1: ± 5 points of a hundred. */
  readonly maxWidth?: number;
  /** Name of the figure in the warning. */
  readonly name: string;
  /** Default `cases`. */
  readonly unit?: string;
}

/**
 * Whether a proportion is known well enough. The number that halves its Wilson interval is found by search at the same
 * share: near 0 and 1 it is not the factor 4 of the rule of thumb.
 *
 * @param successes in [0, n]; may be fractional (effective counts)
 * @param n independent trials
 * @throws {DataError} if the counts are impossible
 */
export function precisionOfProportion(successes: number, n: number, options: PrecisionOptions): Precision {
  const interval = wilsonInterval(successes, n);
  if (!isDefined(interval)) return precision(interval, n, interval, options);
  const wanted = (interval[1] - interval[0]) / 2;
  const width = (size: number): number => {
    const at = wilsonInterval((successes / n) * size, size);
    return isDefined(at) ? at[1] - at[0] : Infinity;
  };
  let low = n;
  let high = 2 * n;
  while (width(high) > wanted) high *= 2;
  while (high - low > 1e-6 * high) {
    const middle = (low + high) / 2;
    if (width(middle) > wanted) low = middle;
    else high = middle;
  }
  return precision(interval, n, Math.ceil(high - 1e-4), options);
}

/**
 * Whether a figure with a standard error of order 1/√n (AUC, Brier score, slope, a bootstrapped metric) is known well enough:
 * four times as many, of either class, halve its interval.
 *
 * @param interval95 of the figure
 * @param n independent examples that it was estimated from
 */
export function precisionOf(interval95: IntervalMetric, n: number, options: PrecisionOptions): Precision {
  if (!(n >= 0 && n < Infinity)) {
    throw new DataError('evaluate/counts', `precisionOf: expected n ≥ 0, got ${n}`);
  }
  return precision(interval95, n, isDefined(interval95) ? 4 * n : interval95, options);
}

function precision(
  interval: IntervalMetric,
  n: number,
  nToHalve: Metric,
  { name, unit = 'cases', maxWidth = 0.1 }: PrecisionOptions,
): Precision {
  const have = Math.round(n * 10) / 10;
  if (!isDefined(interval)) {
    const reason = undefinedBecause(interval.undefined);
    const warning = `${name} has no interval (${interval.undefined}): ${have} ${unit} are too few to tell.`;
    return { unit, n, width: reason, nToHalve: reason, tooWide: true, warning };
  }
  const width = interval[1] - interval[0];
  const tooWide = width > maxWidth;
  const points = (share: number): string => (100 * share).toFixed(1);
  const warning = tooWide
    ? `${name} is known from ${have} ${unit} only: its 95 % interval, ${points(interval[0])} to ${points(interval[1])} %, is ` +
      `${points(width)} points wide. ${isDefined(nToHalve) ? `About ${nToHalve} ${unit} would halve it.` : ''}`.trimEnd()
    : undefined;
  return { unit, n, width, nToHalve, tooWide, warning };
}
