import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rngOf } from '../../../src/core/rng.ts';
import { align } from '../../../src/dataset/duplicates/align.ts';
import {
  hashDistance,
  ORIENTATIONS,
  turnedHash,
  turnedPlane,
  turnedWindow,
  unorientedHash,
} from '../../../src/dataset/duplicates/perceptual-hash.ts';
import { SIDE, signatureOf, WINDOWS } from '../../../src/dataset/duplicates/signature.ts';
import { buildVantageTree } from '../../../src/dataset/duplicates/vantage-tree.ts';
import { shrink } from '../../../src/image/shrink.ts';
import type { RgbImage } from '../../../src/image/types.ts';
import { applyView, dihedral } from '../../../src/image/view.ts';

/** Coloured blobs, the same for the same seed. */
function blobs(seed: number, size = 128): RgbImage {
  const rng = rngOf(seed, 'blobs');
  const data = new Uint8ClampedArray(size * size * 3);
  const spots = Array.from({ length: 9 }, () => ({
    x: rng.next(),
    y: rng.next(),
    r: rng.uniform(0.03, 0.3),
    colour: [rng.uniform(-120, 60), rng.uniform(-120, 60), rng.uniform(-120, 60)],
  }));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let c = 0; c < 3; c++) {
        let value = 170;
        for (const spot of spots) {
          const d2 = ((x + 0.5) / size - spot.x) ** 2 + ((y + 0.5) / size - spot.y) ** 2;
          value += spot.colour[c]! * Math.exp(-d2 / spot.r ** 2);
        }
        data[(y * size + x) * 3 + c] = value;
      }
    }
  }
  return { width: size, height: size, data: new Uint8Array(data.buffer) };
}

describe('a perceptual hash', () => {
  const image = blobs(1);
  const { hashes, thumbnail } = signatureOf(image);

  it('turned is the hash of the turned image, in all eight orientations', () => {
    const seen = new Set<number>();
    for (let k = 0; k < 8; k++) {
      const turned = signatureOf(applyView(image, dihedral(k)));
      const fitting = ORIENTATIONS.findIndex((_, o) =>
        turnedPlane(thumbnail, SIDE, o).every((value, i) => value === turned.thumbnail[i]),
      );
      seen.add(fitting);
      // Float32 sums in another order; the unit is 1.
      expect(hashDistance(turnedHash(hashes[0]!, fitting), turned.hashes[0]!)).toBeLessThan(1e-3);
      for (const [w, window] of WINDOWS.entries()) {
        const place = turnedWindow(window, fitting);
        const v = WINDOWS.findIndex((o) => Math.hypot(o.x - place.x, o.y - place.y, o.width - place.width) < 1e-9);
        expect(hashDistance(turnedHash(hashes[w]!, fitting), turned.hashes[v]!)).toBeLessThan(1e-3);
      }
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('without orientation is the same in all eight, and never farther than the hashes in their best orientation', () => {
    const hash = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), {
      minLength: hashes[0]!.length,
      maxLength: hashes[0]!.length,
    });
    fc.assert(
      fc.property(hash, hash, (p, q) => {
        const [a, b] = [Float32Array.from(p), Float32Array.from(q)];
        const turned = ORIENTATIONS.map((_, o) => turnedHash(a, o));
        for (const one of turned) expect(unorientedHash(one)).toEqual(unorientedHash(a).map((v) => v));
        const best = Math.min(...turned.map((one) => hashDistance(one, b)));
        expect(hashDistance(unorientedHash(a), unorientedHash(b))).toBeLessThanOrEqual(best + 1e-4);
      }),
      { numRuns: 100 },
    );
  });

  it('does not know size or brightness, and knows another image', () => {
    const small = signatureOf(shrink(image, 71, 50)).hashes[0]!;
    expect(hashDistance(small, hashes[0]!)).toBeLessThan(1);
    const dark = { ...image, data: image.data.map((value) => Math.round(0.8 * value)) };
    expect(hashDistance(signatureOf(dark).hashes[0]!, hashes[0]!)).toBeLessThan(2);
    expect(hashDistance(signatureOf(blobs(2)).hashes[0]!, hashes[0]!)).toBeGreaterThan(10);
  });

  it('is not made of an image without contrast', () => {
    const flat = { width: 9, height: 9, data: new Uint8Array(243).fill(120) };
    expect(signatureOf(flat).hashes).toEqual([]);
  });
});

describe('align', () => {
  it('finds the window that a crop was cut from, brightness changed', () => {
    const image = blobs(3, 200);
    const window = { x: 0.06, y: 0.015, width: 0.91, height: 0.93 };
    const crop = applyView(image, { ...dihedral(0), crop: window, brightness: 0.85 });
    const [source, target] = [signatureOf(image).thumbnail, signatureOf(crop).thumbnail];
    const found = align(source, target, SIDE, WINDOWS[0]!)!;
    expect(found.correlation).toBeGreaterThan(0.99);
    expect(found.detail).toBeGreaterThan(0.95);
    // A window is cut at whole pixels of 200.
    expect(found.window.x).toBeCloseTo(window.x, 2);
    expect(found.window.width).toBeCloseTo(window.width, 1);
    // And the other way round: the image reaches beyond its crop.
    const back = align(target, source, SIDE, WINDOWS[0]!)!;
    expect(back.detail).toBeGreaterThan(0.95);
    expect(back.window.width).toBeGreaterThan(1.05);
  });

  it('does not make copies of different images', () => {
    const found = align(signatureOf(blobs(4)).thumbnail, signatureOf(blobs(5)).thumbnail, SIDE, WINDOWS[0]!);
    expect(found?.detail ?? 0).toBeLessThan(0.6);
  });
});

describe('a vantage-point tree', () => {
  it('finds just the points within the radius', () => {
    const point = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 120 }), point, fc.integer({ min: 0, max: 5 }), (all, at, radius) => {
        const points = all.map((p) => Float32Array.from(p));
        const query = Float32Array.from(at);
        const found: number[] = [];
        buildVantageTree(points).within(query, radius, (i) => found.push(i));
        const expected = points.flatMap((p, i) => (hashDistance(p, query) <= radius ? [i] : []));
        expect(found.sort((a, b) => a - b)).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it('looks at few of many points', () => {
    const rng = rngOf(1, 'points');
    const cloud = (n: number) => Array.from({ length: n }, () => Float32Array.from({ length: 6 }, () => rng.normal()));
    const shareOf = (n: number): number => {
      const points = cloud(n);
      const tree = buildVantageTree(points);
      return points.slice(0, 50).reduce((sum, p) => sum + tree.within(p, 0.3, () => undefined), 0) / 50 / n;
    };
    const [few, many] = [shareOf(1000), shareOf(8000)];
    expect(many).toBeLessThan(0.1);
    expect(many).toBeLessThan(few / 1.5);
  });
});
