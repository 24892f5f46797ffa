/** A number that the data cannot give, and why. Written as it is into JSON, where NaN has no place. */
export interface Undefined {
  /** The reason, such as `no positive example`. */
  readonly undefined: string;
}

/** A number, or the reason why there is none. */
export type Metric = number | Undefined;

/** Lower and upper end. */
export type Interval = readonly [low: number, high: number];

/** An interval, or the reason why there is none. */
export type IntervalMetric = Interval | Undefined;

/** A metric with its 95 % interval. */
export interface Estimate {
  readonly value: Metric;
  readonly interval95: IntervalMetric;
}

/** A metric that has no value, for this reason. */
export function undefinedBecause(reason: string): Undefined {
  return { undefined: reason };
}

/** Whether a metric or an interval has a value. */
export function isDefined<T extends number | Interval>(value: T | Undefined): value is T {
  return typeof value === 'number' || Array.isArray(value);
}

/** Whether it is a reason why there is no value: for values that are neither number nor interval. */
export function isUndefined<T extends object | number>(value: T | Undefined): value is Undefined {
  return typeof value === 'object' && 'undefined' in value;
}

/** `a − b`, or the reason why one of them has no value. */
export function minus(a: Metric, b: Metric): Metric {
  if (!isDefined(a)) return a;
  return isDefined(b) ? a - b : b;
}

/** `numerator / denominator`, or undefined for this reason where the denominator is 0. */
export function ratio(numerator: number, denominator: number, reason: string): Metric {
  return denominator === 0 ? undefinedBecause(reason) : numerator / denominator;
}

/** Mean of the metrics that have a value; undefined where none has. */
export function meanOfDefined(metrics: readonly Metric[], reason: string): Metric {
  const values = metrics.filter(isDefined);
  return ratio(
    values.reduce((sum, value) => sum + value, 0),
    values.length,
    reason,
  );
}
