import { type Content, html, type Markup } from '../markup.ts';
import { type Scale, ticksOf } from './scale.ts';

/** Colours and dashes of the style sheet, `s1` … `s4`; `quiet` is grey. */
export type SeriesStyle = 's1' | 's2' | 's3' | 's4' | 'quiet';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly name: string;
  readonly style: SeriesStyle;
  readonly points: readonly Point[];
  /** Marks at the points. Default false. */
  readonly dots?: boolean;
}

/** A single point with a short label beside it. */
export interface Mark extends Point {
  readonly label: string;
  readonly style: SeriesStyle;
  /** Vertical extent, such as an interval. */
  readonly y95?: readonly [number, number] | undefined;
  /** Horizontal extent. */
  readonly x95?: readonly [number, number] | undefined;
}

/** A vertical line across the plot. */
export interface Rule {
  readonly x: number;
  readonly label: string;
}

export interface PlotOptions {
  /** What the picture shows, for who cannot see it. */
  readonly title: string;
  readonly x: Scale;
  readonly y: Scale;
  readonly lines?: readonly Line[];
  readonly marks?: readonly Mark[];
  readonly rules?: readonly Rule[];
  /** A dashed line from one point to another, such as chance. */
  readonly reference?: readonly [Point, Point] | undefined;
  /** Height of the picture; its width is 480. Default 320. */
  readonly height?: number;
}

const WIDTH = 480;
const LEFT = 56;
const RIGHT = 22;
const TOP = 14;
const BOTTOM = 46;

/** A line chart as SVG, 480 units wide. Its colours are those of the page's style sheet. */
export function plot({
  title,
  x,
  y,
  lines = [],
  marks = [],
  rules = [],
  reference,
  height = 320,
}: PlotOptions): Markup {
  const bottom = height - BOTTOM;
  const at = { x: place(x, LEFT, WIDTH - RIGHT), y: place(y, bottom, TOP) };
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
${ticksOf(x).map(
  (tick) => html`<line class="grid" x1="${at.x(tick)}" x2="${at.x(tick)}" y1="${TOP}" y2="${bottom}"/>
<text x="${at.x(tick)}" y="${bottom + 17}" text-anchor="middle">${x.format(tick)}</text>`,
)}
${ticksOf(y).map(
  (tick) => html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at.y(tick)}" y2="${at.y(tick)}"/>
<text x="${LEFT - 7}" y="${at.y(tick) + 4}" text-anchor="end">${y.format(tick)}</text>`,
)}
<text class="axis" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 8}" text-anchor="middle">${x.label}</text>
<text class="axis" transform="translate(13 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${y.label}</text>
${
  reference !== undefined &&
  html`<line class="reference" x1="${at.x(reference[0].x)}" y1="${at.y(reference[0].y)}" x2="${at.x(reference[1].x)}" y2="${at.y(reference[1].y)}"/>`
}
${rules.map(
  (rule, i) => html`<line class="rule" x1="${at.x(rule.x)}" x2="${at.x(rule.x)}" y1="${TOP}" y2="${bottom}"/>
<text class="small" x="${at.x(rule.x) + 3}" y="${TOP + 9 + 11 * (i % 3)}">${rule.label}</text>`,
)}
${lines.map((line) => drawn(line, at))}
${marks.map((mark) => marked(mark, at))}
</svg>`;
}

type Place = (value: number) => number;

function drawn({ points, style, dots = false }: Line, at: { x: Place; y: Place }): Content {
  const path = points.map((p, i) => `${i === 0 ? 'M' : 'L'}${at.x(p.x)} ${at.y(p.y)}`).join('');
  return html`<path class="line ${style}" d="${path}"/>${
    dots && points.map((p) => html`<circle class="dot ${style}" cx="${at.x(p.x)}" cy="${at.y(p.y)}" r="3"/>`)
  }`;
}

function marked({ x, y, label, style, x95, y95 }: Mark, at: { x: Place; y: Place }): Content {
  return html`${
    y95 !== undefined &&
    html`<line class="whisker ${style}" x1="${at.x(x)}" x2="${at.x(x)}" y1="${at.y(y95[0])}" y2="${at.y(y95[1])}"/>`
  }${
    x95 !== undefined &&
    html`<line class="whisker ${style}" x1="${at.x(x95[0])}" x2="${at.x(x95[1])}" y1="${at.y(y)}" y2="${at.y(y)}"/>`
  }<circle class="mark ${style}" cx="${at.x(x)}" cy="${at.y(y)}" r="4.5"/><text class="label" x="${at.x(x) + 7}" y="${at.y(y) + 4}">${label}</text>`;
}

/** Data to picture, to a tenth of a unit; what lies outside the scale is drawn at its edge. */
function place({ low, high, logarithmic = false }: Scale, from: number, to: number): Place {
  const f = logarithmic ? Math.log10 : (v: number) => v;
  return (value) => {
    const share = (f(Math.min(high, Math.max(low, value))) - f(low)) / (f(high) - f(low));
    return Math.round(10 * (from + share * (to - from))) / 10;
  };
}

/** Which line is which, as a list under a chart. */
export function legend(lines: readonly { readonly name: string; readonly style: SeriesStyle }[]): Markup {
  return html`<ul class="legend">${lines.map(
    ({ name, style }) =>
      html`<li><svg viewBox="0 0 26 10" aria-hidden="true"><path class="line ${style}" d="M1 5H25"/></svg>${name}</li>`,
  )}</ul>`;
}
