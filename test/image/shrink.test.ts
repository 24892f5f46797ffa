import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../src/core/errors.ts';
import { shrink } from '../../src/image/shrink.ts';

const grey = (width: number, height: number, values: readonly number[]) => ({
  width,
  height,
  data: Uint8Array.from(values.flatMap((value) => [value, value, value])),
});

describe('shrink', () => {
  it('gives the mean of what a pixel covers, parts counted as parts', () => {
    expect([...shrink(grey(4, 1, [0, 10, 20, 40]), 2, 1).data]).toEqual([5, 5, 5, 30, 30, 30]);
    // Thirds: (0 + ½ · 90) / 1.5 and (½ · 90 + 30) / 1.5.
    expect([...shrink(grey(3, 1, [0, 90, 30]), 2, 1).data]).toEqual([30, 30, 30, 50, 50, 50]);
    expect(shrink(grey(1, 3, [0, 90, 30]), 1, 2).data[3]).toBe(50);
  });

  it('keeps the mean, to the rounding of 8 bits, and a flat picture flat', () => {
    const side = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(side, side, side, side, fc.infiniteStream(fc.nat(255)), (w, h, tw, th, stream) => {
        const image = grey(w, h, [...stream.take(w * h)]);
        const mean = ({ data }: { data: Uint8Array }): number => data.reduce((sum, v) => sum + v, 0) / data.length;
        expect(Math.abs(mean(shrink(image, tw, th)) - mean(image))).toBeLessThan(0.51);
        expect(new Set(shrink(grey(w, h, Array(w * h).fill(77)), tw, th).data)).toEqual(new Set([77]));
      }),
    );
  });

  it('refuses sizes that are none', () => {
    for (const size of [0, 1.5, Number.NaN]) expect(() => shrink(grey(1, 1, [1]), size, 1)).toThrow(ShapeError);
  });
});
