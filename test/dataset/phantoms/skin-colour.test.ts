import { describe, expect, it } from 'vitest';
import { rngOf } from '../../../src/core/rng.ts';
import {
  drawSkin,
  encodeSrgb,
  FITZPATRICK,
  fitzpatrickOf,
  itaOf,
  labToLinear,
} from '../../../src/dataset/phantoms/skin-colour.ts';

describe('labToLinear and encodeSrgb', () => {
  it('give the sRGB values of known L*a*b* colours (D65)', () => {
    const known: readonly [number, number, number, number[]][] = [
      [0, 0, 0, [0, 0, 0]],
      [100, 0, 0, [255, 255, 255]],
      [53.389, 0, 0, [127.5, 127.5, 127.5]],
      [53.2408, 80.0925, 67.2032, [255, 0, 0]],
      [87.7347, -86.1827, 83.1793, [0, 255, 0]],
      [32.297, 79.1875, -107.8602, [0, 0, 255]],
    ];
    for (const [L, a, b, rgb] of known) {
      labToLinear({ L, a, b }).forEach((linear, c) => {
        // Half a level: the constants are published to four or five digits.
        expect(Math.abs(encodeSrgb(linear) - rgb[c]!)).toBeLessThan(0.6);
      });
    }
  });
});

describe('skin tones', () => {
  it('are classed at the bounds of Chardon and others', () => {
    expect([60, 55, 41, 28, 10, -30, -60].map(fitzpatrickOf)).toEqual(['I', 'II', 'III', 'IV', 'V', 'VI', 'VI']);
    expect(itaOf({ L: 60, a: 10, b: 10 })).toBeCloseTo(45, 10);
    expect(itaOf({ L: 50, a: 10, b: 15 })).toBe(0);
  });

  it('are drawn within their class, lighter types lighter, none outside the gamut', () => {
    const mean: number[] = [];
    for (const type of FITZPATRICK) {
      const rng = rngOf(1, type);
      let sum = 0;
      for (let i = 0; i < 200; i++) {
        const skin = drawSkin(type, rng);
        expect(fitzpatrickOf(itaOf(skin))).toBe(type);
        const linear = labToLinear(skin);
        for (const value of linear) expect(value > 0.01 && value < 1).toBe(true);
        expect(linear[0]).toBeGreaterThan(linear[2]);
        sum += linear[1];
      }
      mean.push(sum);
    }
    expect(mean).toEqual([...mean].sort((a, b) => b - a));
  });
});
