import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forestRow } from '../../../src/report/charts/forest.ts';
import { legend, plot } from '../../../src/report/charts/plot.ts';
import { scaleAround, shareScale, ticksOf } from '../../../src/report/charts/scale.ts';

const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

describe('plot', () => {
  const options = {
    title: 'A <b>title</b>',
    x: shareScale('x'),
    y: shareScale('y'),
    lines: [
      {
        name: 'one',
        style: 's1',
        points: [
          { x: 0, y: 0 },
          { x: 0.5, y: 0.5 },
          { x: 1, y: 1 },
        ],
        dots: true,
      },
      {
        name: 'two',
        style: 's2',
        points: [
          { x: 0, y: 1 },
          { x: 1, y: 0 },
        ],
      },
    ],
    marks: [{ x: 0.25, y: 0.75, label: '7', style: 's3', y95: [0.6, 0.9] }],
    rules: [{ x: 0.5, label: 'thaw' }],
  } as const;
  const { markup } = plot(options);

  test('draws every line, dot, mark and rule, under a name', () => {
    expect(markup).toContain('role="img" aria-label="A &lt;b&gt;title&lt;/b&gt;"');
    expect(count(markup, /<path class="line /g)).toBe(2);
    expect(count(markup, /<circle class="dot s1"/g)).toBe(3);
    expect(count(markup, /<circle class="mark s3"/g)).toBe(1);
    expect(count(markup, /class="whisker s3"/g)).toBe(1);
    expect(count(markup, /class="rule"/g)).toBe(1);
    expect(markup).toContain('>thaw</text>');
  });

  test('puts values where the axes say', () => {
    // The plot spans x 56 … 458 and y 274 … 14.
    expect(markup).toContain('d="M56 274L257 144L458 14"');
    expect(markup).toContain('<circle class="mark s3" cx="156.5" cy="79"');
  });

  test('keeps every point inside, and never writes NaN', () => {
    const number = fc.double({ noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.record({ x: number, y: number }), { minLength: 1 }), (points) => {
        const scale = (key: 'x' | 'y') =>
          scaleAround(
            key,
            points.map((p) => p[key]).filter((v) => Math.abs(v) < 1e12),
          );
        const text = plot({
          title: 't',
          x: scale('x'),
          y: scale('y'),
          lines: [{ name: 'l', style: 's1', points }],
        }).markup;
        expect(text).not.toContain('NaN');
        const path = /class="line s1" d="([^"]*)"/.exec(text)?.[1] ?? '';
        for (const [, x, y] of path.matchAll(/[ML](\S+) ([^ML]+)/g)) {
          expect(Number(x)).toBeGreaterThanOrEqual(56);
          expect(Number(x)).toBeLessThanOrEqual(458);
          expect(Number(y)).toBeGreaterThanOrEqual(14);
          expect(Number(y)).toBeLessThanOrEqual(274);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('scales', () => {
  test('hold their values between round ends, with a few ticks', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1 }), (values) => {
        const scale = scaleAround('v', values);
        const slack = 1e-9 * Math.max(1, Math.abs(scale.low), Math.abs(scale.high));
        expect(scale.low).toBeLessThanOrEqual(Math.min(...values) + slack);
        expect(scale.high).toBeGreaterThanOrEqual(Math.max(...values) - slack);
        const ticks = ticksOf(scale);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(9);
      }),
    );
  });

  test('logarithmic ticks are powers of ten', () => {
    const ticks = ticksOf({ label: '', low: 1e-5, high: 1e-2, logarithmic: true, format: String });
    expect(ticks.map((t) => Math.round(Math.log10(t)))).toEqual([-5, -4, -3, -2]);
  });
});

test('a row of a forest has its square within its whisker', () => {
  const { markup } = forestRow({ value: 0.9, interval: [0.85, 0.95], whole: 0.92 }, 0.5, 1);
  expect(markup).toContain('class="whisker s1" x1="110.4" x2="140.8"');
  expect(markup).toContain('<rect class="mark s1" x="122.1"');
  expect(markup).toContain('class="reference"');
});

test('a legend names every line', () => {
  expect(legend([{ name: 'a & b', style: 's1' }]).markup).toContain('a &amp; b</li>');
});
