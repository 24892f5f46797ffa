import type { Rng } from '../../core/rng.ts';
import type { RgbImage } from '../../image/types.ts';
import { smoothstep } from './noise.ts';
import type { Site } from './plan.ts';
import { encodeSrgb } from './skin-colour.ts';

/** What a site's dermatoscope does to every picture. */
interface Camera {
  /** Gain of red, green and blue. */
  readonly white: readonly [number, number, number];
  /** Share of light lost in the corners. */
  readonly vignette: number;
  /** Chance of a black ring around the field. */
  readonly ring: number;
}

const CAMERAS: Readonly<Record<Site, Camera>> = {
  'site-a': { white: [1, 1, 1], vignette: 0.22, ring: 0.05 },
  'site-b': { white: [1.06, 0.98, 1.0], vignette: 0.35, ring: 0.1 },
  'site-c': { white: [0.98, 0.99, 1.1], vignette: 0.15, ring: 0.35 },
};

/**
 * Takes the picture: lens blur, uneven light, white balance, exposure, sensor noise, 8-bit sRGB.
 *
 * @param scene linear light, [size × size × 3]; used up as working memory
 */
export function takePicture(scene: Float32Array, size: number, site: Site, rng: Rng): RgbImage {
  const camera = CAMERAS[site];
  blur(scene, size, rng.uniform(0.35, 0.85) * (size / 256));

  const exposure = rng.uniform(0.9, 1.12);
  const tint = [1, 2, 3].map(() => rng.uniform(0.97, 1.03));
  const gain = camera.white.map((white, c) => white * tint[c]! * exposure);
  const slope = rng.uniform(0, 0.16);
  const direction = rng.uniform(0, 2 * Math.PI);
  const [sx, sy] = [slope * Math.cos(direction), slope * Math.sin(direction)];
  const vignette = camera.vignette * rng.uniform(0.6, 1.3);
  const ring = rng.next() < camera.ring ? rng.uniform(1.02, 1.2) : 9;
  const strength = rng.uniform(0.006, 0.018);
  const noise = noiseTable(strength, rng);
  let state = rng.int(1, 0x7fffffff);

  const data = new Uint8Array(size * size * 3);
  const rounded = new Uint8ClampedArray(data.buffer); // the same bytes; rounds and clamps as it stores
  const half = (size - 1) / 2;
  for (let y = 0; y < size; y++) {
    const fy = (y - half) / half;
    for (let x = 0; x < size; x++) {
      const fx = (x - half) / half;
      const square = fx * fx + fy * fy; // 1 in the middle of an edge, 2 in a corner
      let light = (1 + sx * fx + sy * fy) * (1 - (vignette * square) / 2);
      if (ring < 9) light *= 0.01 + 0.99 * smoothstep(ring + 0.03, ring - 0.03, Math.sqrt(square));
      const at = (y * size + x) * 3;
      for (let c = 0; c < 3; c++) {
        // xorshift32: quick, and quality does not matter for grain
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        const level = scene[at + c]! * gain[c]! * light;
        rounded[at + c] = SRGB[Math.min(4095, Math.max(0, (level * 4095) | 0))]! + noise[state & 1023]!;
      }
    }
  }
  return { width: size, height: size, data };
}

/** sRGB values 0…255 of 4096 levels of linear light. */
const SRGB = Float32Array.from({ length: 4096 }, (_, level) => encodeSrgb(level / 4095));

/** Normal numbers to choose from, in 8-bit steps. */
function noiseTable(strength: number, rng: Rng): Float32Array {
  return Float32Array.from({ length: 1024 }, () => 255 * strength * rng.normal());
}

/** Gaussian blur in place, separable, five taps. */
function blur(pixels: Float32Array, size: number, sigma: number): void {
  const near = Math.exp(-0.5 / sigma ** 2);
  const far = Math.exp(-2 / sigma ** 2);
  const sum = 1 + 2 * near + 2 * far;
  const [w0, w1, w2] = [1 / sum, near / sum, far / sum];
  const line = new Float32Array((size + 4) * 3);
  const pass = (start: number, step: number): void => {
    for (let i = 0; i < size + 4; i++) {
      const from = start + Math.min(size - 1, Math.max(0, i - 2)) * step;
      line[3 * i] = pixels[from]!;
      line[3 * i + 1] = pixels[from + 1]!;
      line[3 * i + 2] = pixels[from + 2]!;
    }
    for (let i = 0; i < size; i++) {
      for (let c = 0; c < 3; c++) {
        const at = 3 * i + c;
        pixels[start + i * step + c] =
          w0 * line[at + 6]! + w1 * (line[at + 3]! + line[at + 9]!) + w2 * (line[at]! + line[at + 12]!);
      }
    }
  };
  for (let i = 0; i < size; i++) pass(i * size * 3, 3);
  for (let i = 0; i < size; i++) pass(i * 3, size * 3);
}
