import { describe, expect, it } from 'vitest';
import { ShapeError } from '../../src/core/errors.ts';
import type { RgbImage } from '../../src/image/types.ts';
import { type ImageQuality, imageQuality, limitsFor, QUALITY_LIMITS, qualityProblem } from '../../src/model/quality.ts';

type Rgb = readonly [number, number, number];

function drawn(width: number, height: number, colour: (x: number, y: number) => Rgb): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(colour(x, y), (y * width + x) * 3);
  return { width, height, data };
}

/** A dark spot on skin with hairs across it, the same at every size; without hairs where its edge is soft. */
function lesion(size: number, edge = 0.02): RgbImage {
  return drawn(size, size, (x, y) => {
    const [u, v] = [x / size, y / size];
    const mole = 1 / (1 + Math.exp((Math.hypot(u - 0.5, v - 0.5) - 0.25) / edge));
    const hair =
      edge <= 0.02 && (Math.abs(Math.sin(20 * u + 9 * v)) < 0.08 || Math.abs(Math.sin(7 * u - 25 * v)) < 0.08);
    const mix = (skin: number, spot: number) => Math.round((hair ? 0.6 : 1) * (skin + mole * (spot - skin)));
    return [mix(215, 90), mix(165, 55), mix(140, 45)];
  });
}

const grey = (v: number): Rgb => [v, v, v];
const problem = (image: RgbImage): string | undefined => qualityProblem(imageQuality(image), QUALITY_LIMITS);
const changed = (image: RgbImage, f: (v: number) => number): RgbImage => ({
  ...image,
  data: image.data.map((v) => Math.max(0, Math.min(255, f(v)))),
});

describe('imageQuality', () => {
  it('accepts a lesion at any resolution', () => {
    for (const size of [100, 192, 640, 1500]) expect([size, problem(lesion(size))]).toEqual([size, undefined]);
    expect(problem(changed(lesion(300), (v) => 0.5 * v))).toBeUndefined();
  });

  it.each([
    ['too small: 40 pixels, expected 96 at least', lesion(40)],
    ['too dark', changed(lesion(200), (v) => v * 0.1)],
    ['too bright', changed(lesion(200), (v) => v * 0.01 + 252)],
    ['blank', drawn(200, 200, () => [200, 150, 130])],
    ['blurred', lesion(200, 0.15)],
    ['not the colours of skin', changed(lesion(200), (v) => 255 - v)],
  ])('says %s', (reason, image) => {
    expect(problem(image)).toBe(reason);
  });

  it('measures a picture that can be reckoned', () => {
    const halves = drawn(200, 100, (x) => (x < 100 ? [255, 255, 255] : [0, 0, 255]));
    const q = imageQuality(halves);
    expect(q.side).toBe(100);
    const [white, blue] = [1, 0.114];
    expect(q.brightness).toBeCloseTo((white + blue) / 2, 2);
    expect(q.contrast).toBeCloseTo((white - blue) / 2, 2);
    expect(q.skin).toBeCloseTo(0.5, 2);
    expect(imageQuality(drawn(3, 200, () => [9, 9, 9])).sharpness).toBe(0);
  });

  it('finds a picture the less sharp the more it is blurred', () => {
    const sharpness = [0.005, 0.01, 0.03, 0.06, 0.12].map(
      (edge) => imageQuality(drawn(192, 192, (x) => grey(255 / (1 + Math.exp((x / 192 - 0.5) / edge))))).sharpness,
    );
    expect(sharpness).toEqual([...sharpness].sort((a, b) => b - a));
  });

  it('refuses a picture without pixels', () => {
    expect(() => imageQuality({ width: 1, height: 0, data: new Uint8Array() })).toThrow(ShapeError);
  });
});

describe('limitsFor', () => {
  it('are the general ones, unless the model is made for other pictures', () => {
    expect(limitsFor([])).toEqual(QUALITY_LIMITS);
    expect(limitsFor([imageQuality(lesion(300))])).toEqual(QUALITY_LIMITS);
    const small = Array.from({ length: 20 }, () => imageQuality(lesion(28)));
    const limits = limitsFor(small);
    expect(limits.minSide).toBe(28);
    expect(limits.minSkin).toBe(QUALITY_LIMITS.minSkin);
    expect(qualityProblem(small[0]!, limits)).toBeUndefined();
  });

  it('do not follow the odd bad picture', () => {
    const good = new Array<ImageQuality>(399).fill(imageQuality(lesion(150)));
    const bad = imageQuality(changed(lesion(150), (v) => 255 - v));
    expect(limitsFor([...good, bad])).toEqual(QUALITY_LIMITS);
  });
});
