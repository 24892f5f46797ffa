import { type IntervalMetric, isDefined, type Metric } from '../evaluate/metric.ts';

/** `81.2 %`; an en dash where there is none. */
export function percent(value: Metric | undefined, digits = 1): string {
  return value !== undefined && isDefined(value) ? `${(100 * value).toFixed(digits)} %` : '–';
}

/** `0.919`; an en dash where there is none. */
export function decimal(value: Metric | undefined, digits = 3): string {
  return value !== undefined && isDefined(value) ? value.toFixed(digits) : '–';
}

/** `76.2 to 80.2 %`, or why not. */
export function percents(interval: IntervalMetric): string {
  return isDefined(interval)
    ? `${(100 * interval[0]).toFixed(1)} to ${(100 * interval[1]).toFixed(1)} %`
    : `no interval: ${interval.undefined}`;
}

/** `0.904 to 0.933`, or why not. */
export function decimals(interval: IntervalMetric): string {
  return isDefined(interval)
    ? `${interval[0].toFixed(3)} to ${interval[1].toFixed(3)}`
    : `no interval: ${interval.undefined}`;
}

/** `10,015`. */
export function count(n: number): string {
  return n.toLocaleString('en-US');
}

/** `3.0e-4` where decimals would be all zeros. */
export function rate(value: number): string {
  return value !== 0 && Math.abs(value) < 0.01 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/** `1 image`, `2 images`. */
export function counted(n: number, noun: string): string {
  return `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
}
