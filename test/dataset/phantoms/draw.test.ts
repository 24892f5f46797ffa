import { describe, expect, it } from 'vitest';
import { rngOf } from '../../../src/core/rng.ts';
import { drawPhantom } from '../../../src/dataset/phantoms/draw.ts';
import { drawHairs, drawRuler } from '../../../src/dataset/phantoms/overlay.ts';
import { paintLesion } from '../../../src/dataset/phantoms/paint-lesion.ts';
import { FIELD_MM, type Lesion, planPhantoms, type Shot } from '../../../src/dataset/phantoms/plan.ts';
import { labToLinear } from '../../../src/dataset/phantoms/skin-colour.ts';

const shots = planPhantoms({ count: 60, seed: 3 });
const plain: Shot = {
  ...shots[0]!,
  hair: 0,
  ruler: false,
  magnification: 1,
  lesion: {
    ...shots[0]!.lesion,
    diameter: 7,
    pigments: ['dark-brown'],
    asymmetry: 0.1,
    border: 0.1,
    network: 'none',
    globules: false,
  },
};

function withLesion(changes: Partial<Lesion>): Lesion {
  return { ...plain.lesion, ...changes };
}

/** Colours of the lesion and the skin on a grid of 8 steps per mm, with the place. */
function sample(lesion: Lesion, reach = 8): { u: number; v: number; rgb: number[] }[] {
  const paint = paintLesion(lesion, 1);
  const out = new Float32Array(3);
  const places: { u: number; v: number; rgb: number[] }[] = [];
  for (let v = -reach; v <= reach; v += 0.125) {
    for (let u = -reach; u <= reach; u += 0.125) {
      paint(u, v, out);
      places.push({ u, v, rgb: [...out] });
    }
  }
  return places;
}

function isLesion(rgb: readonly number[], lesion: Lesion): boolean {
  return rgb[1]! < 0.65 * labToLinear(lesion.patient.skin)[1];
}

describe('drawPhantom', () => {
  it('gives the same bytes for the same seed, others for another', () => {
    const once = drawPhantom(shots[1]!, { seed: 3, size: 64 });
    expect(drawPhantom(shots[1]!, { seed: 3, size: 64 })).toEqual(once);
    expect(drawPhantom(shots[1]!, { seed: 4, size: 64 }).data).not.toEqual(once.data);
    expect(drawPhantom(shots[2]!, { seed: 3, size: 64 }).data).not.toEqual(once.data);
    expect([once.width, once.height, once.data.length]).toEqual([64, 64, 64 * 64 * 3]);
  });

  it('shows lighter skin for lighter skin types', () => {
    const corner = (shot: Shot): number => {
      const { data } = drawPhantom(shot, { seed: 1, size: 48 });
      let sum = 0;
      for (let x = 8; x < 40; x++) sum += data[(4 * 48 + x) * 3 + 1]!;
      return sum / 32;
    };
    const tones = [66, 55, 45].map((L) => {
      const patient = { ...plain.lesion.patient, source: 'site-b' as const, skin: { L, a: 12, b: 15 } };
      return corner({ ...plain, lesion: withLesion({ patient, diameter: 3 }) });
    });
    expect(tones).toEqual([...tones].sort((a, b) => b - a));
  });

  it('draws a lesion about as large as its diameter says, at any magnification', () => {
    for (const magnification of [0.85, 1.15]) {
      const size = 128;
      const patient = { ...plain.lesion.patient, source: 'site-a' as const, skin: { L: 66, a: 11, b: 14 } };
      const shot = { ...plain, magnification, lesion: withLesion({ patient }) };
      const { data } = drawPhantom(shot, { seed: 1, size });
      let dark = 0;
      for (let i = 1; i < data.length; i += 3) if (data[i]! < 95) dark++;
      const mm = FIELD_MM / magnification / size;
      const width = 2 * Math.sqrt((dark * mm * mm) / Math.PI);
      expect(width).toBeGreaterThan(0.7 * 7);
      expect(width).toBeLessThan(1.1 * 7);
    }
  });
});

describe('paintLesion', () => {
  it('is the lesion only inside its outline', () => {
    for (const { u, v, rgb } of sample(plain.lesion)) {
      const distance = Math.hypot(u, v);
      if (distance < 1.5) expect(isLesion(rgb, plain.lesion)).toBe(true);
      if (distance > 5.2) expect(isLesion(rgb, plain.lesion)).toBe(false);
      for (const value of rgb) expect(value).toBeGreaterThan(0);
    }
  });

  it('makes an asymmetric lesion differ from its half turn', () => {
    const change = (asymmetry: number): number => {
      const lesion = withLesion({ asymmetry, pigments: ['light-brown', 'dark-brown', 'blue-grey'] });
      const places = sample(lesion, 5);
      let sum = 0;
      for (let i = 0; i < places.length; i++) {
        sum += Math.abs(places[i]!.rgb[1]! - places[places.length - 1 - i]!.rgb[1]!);
      }
      return sum / places.length;
    };
    expect(change(0.95)).toBeGreaterThan(2 * change(0.05));
  });

  it('shows every pigment on a visible part of the lesion', () => {
    const spread = (pigments: Lesion['pigments']): number => {
      const lesion = withLesion({ asymmetry: 0.8, pigments });
      const ratios = sample(lesion, 3).map(({ rgb }) => rgb[2]! / rgb[0]!);
      // Share of places where blue is not far below red, as only grey, blue and white have it
      return ratios.filter((ratio) => ratio > 0.75).length / ratios.length;
    };
    const brown = spread(['light-brown', 'dark-brown']);
    expect(spread(['light-brown', 'blue-grey'])).toBeGreaterThan(brown + 0.05);
    expect(spread(['light-brown', 'dark-brown', 'blue-grey', 'red'])).toBeGreaterThan(brown + 0.05);
  });
});

describe('overlays', () => {
  const grey = (): Float32Array => new Float32Array(96 * 96 * 3).fill(0.5);

  it('darken thin lines: more hairs, more pixels; none, none', () => {
    const dark = [0, 3, 12].map((count) => {
      const pixels = grey();
      drawHairs(pixels, 96, count, rngOf(1, 'hair'));
      return pixels.filter((value) => value < 0.45).length;
    });
    expect(dark[0]).toBe(0);
    expect(dark[1]!).toBeGreaterThan(50);
    expect(dark[2]!).toBeGreaterThan(dark[1]!);
    expect(dark[2]!).toBeLessThan(0.5 * 96 * 96 * 3);
  });

  it('draw ticks one millimetre apart, near one edge only', () => {
    const pixels = grey();
    drawRuler(pixels, 96, 8, rngOf(2, 'ruler'));
    const marked = (x: number, y: number): boolean => pixels[(y * 96 + x) * 3]! < 0.4;
    let inner = 0;
    for (let y = 16; y < 80; y++) for (let x = 16; x < 80; x++) if (marked(x, y)) inner++;
    expect(inner).toBe(0);
    const runs = [5, 90].flatMap((line) => [
      Array.from({ length: 96 }, (_, i) => marked(i, line)),
      Array.from({ length: 96 }, (_, i) => marked(line, i)),
    ]);
    const ticks = runs.map((run) => run.filter((on, i) => on && run[i - 1] !== true).length);
    expect(Math.max(...ticks)).toBeGreaterThanOrEqual(11);
    expect(Math.max(...ticks)).toBeLessThanOrEqual(13);
  });
});
