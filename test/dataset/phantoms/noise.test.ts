import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellNoise, fractalNoise, smoothstep, valueNoise } from '../../../src/dataset/phantoms/noise.ts';

const place = fc.double({ min: -1000, max: 1000, noNaN: true });

describe('noise', () => {
  it('is bounded, the same at the same place, and continuous', () => {
    fc.assert(
      fc.property(place, place, fc.integer(), (x, y, salt) => {
        const value = valueNoise(x, y, salt);
        expect(Math.abs(value)).toBeLessThanOrEqual(1);
        expect(valueNoise(x, y, salt)).toBe(value);
        expect(Math.abs(valueNoise(x + 1e-4, y, salt) - value)).toBeLessThan(1e-3);
        expect(Math.abs(fractalNoise(x, y, salt, 4))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('averages to zero and differs between salts', () => {
    let sum = 0;
    let product = 0;
    for (let i = 0; i < 4000; i++) {
      const a = valueNoise(i * 1.37, i * 0.71, 5);
      sum += a;
      product += a * valueNoise(i * 1.37, i * 0.71, 6);
    }
    expect(Math.abs(sum / 4000)).toBeLessThan(0.05);
    expect(Math.abs(product / 4000)).toBeLessThan(0.03);
  });

  it('cells are ordered by distance; a regular lattice has a point in every cell', () => {
    const cell = { first: 0, second: 0, value: 0 };
    fc.assert(
      fc.property(place, place, fc.double({ min: 0, max: 1, noNaN: true }), (x, y, jitter) => {
        const { first, second, value } = cellNoise(x, y, 3, jitter, cell);
        expect(first).toBeLessThanOrEqual(second);
        expect(value >= 0 && value < 1).toBe(true);
        expect(first).toBeLessThanOrEqual(Math.SQRT1_2 * (1 + jitter) + 1e-9);
        if (jitter === 0) expect(first).toBeLessThanOrEqual(Math.SQRT1_2 + 1e-9);
      }),
    );
    expect(cellNoise(0.5, 0.5, 3, 0, cell).first).toBe(0);
    expect(cellNoise(1, 1.5, 3, 0, cell).first).toBe(0);
  });

  it('smoothstep rises or falls between its bounds', () => {
    expect([-1, 0, 0.5, 1, 2].map((x) => smoothstep(0, 1, x))).toEqual([0, 0, 0.5, 1, 1]);
    expect([-1, 0, 0.5, 1, 2].map((x) => smoothstep(1, 0, x))).toEqual([1, 1, 0.5, 0, 0]);
  });
});
