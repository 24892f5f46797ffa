import { html, type Markup } from '../markup.ts';

/**
 * One row of a forest plot, for a cell of a table: the interval as a line, the value as a square, and a dashed line where
 * the whole lies.
 *
 * @param low left end of the axis, which all rows share
 */
export function forestRow(
  {
    value,
    interval,
    whole,
  }: { value: number; interval?: readonly [number, number] | undefined; whole?: number | undefined },
  low: number,
  high: number,
): Markup {
  const at = (v: number): number =>
    Math.round(10 * (4 + (152 * (Math.min(high, Math.max(low, v)) - low)) / (high - low))) / 10;
  return html`<svg class="forest" viewBox="0 0 160 18" aria-hidden="true">${
    whole !== undefined && html`<line class="reference" x1="${at(whole)}" x2="${at(whole)}" y1="0" y2="18"/>`
  }${
    interval !== undefined &&
    html`<line class="whisker s1" x1="${at(interval[0])}" x2="${at(interval[1])}" y1="9" y2="9"/>`
  }<rect class="mark s1" x="${at(value) - 3.5}" y="5.5" width="7" height="7"/></svg>`;
}
