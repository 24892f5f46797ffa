import type { Rng } from '../../core/rng.ts';

/** Lays a colour over an image in linear light, [size × size × 3], where a mask [size × size] in 0…1 says. */
function lay(
  pixels: Float32Array,
  mask: Float32Array,
  colour: readonly [number, number, number],
  opacity: number,
): void {
  for (let i = 0; i < mask.length; i++) {
    const weight = mask[i]! * opacity;
    if (weight === 0) continue;
    for (let c = 0; c < 3; c++) pixels[3 * i + c]! += weight * (colour[c]! - pixels[3 * i + c]!);
  }
}

/**
 * Draws hairs: bent lines across the picture, mostly dark, each a little thinner at its ends.
 *
 * @param pixels linear light, [size × size × 3], changed in place
 */
export function drawHairs(pixels: Float32Array, size: number, count: number, rng: Rng): void {
  if (count === 0) return;
  const mask = new Float32Array(size * size);
  const scale = size / 256;
  const lie = rng.uniform(0, 2 * Math.PI); // hairs of one place lie about the same way
  for (let n = 0; n < count; n++) {
    const angle = lie + 0.5 * rng.normal();
    const length = size * rng.uniform(0.35, 0.95);
    const bend = length * 0.22 * rng.normal();
    const [cx, cy] = [rng.uniform(0, size), rng.uniform(0, size)];
    const [dx, dy] = [Math.cos(angle), Math.sin(angle)];
    const width = scale * rng.uniform(0.6, 1.15);
    const steps = Math.ceil(length * 1.5);
    for (let step = 0; step <= steps; step++) {
      const t = (2 * step) / steps - 1;
      const along = (t * length) / 2;
      const across = bend * t * t;
      stamp(mask, size, cx + dx * along - dy * across, cy + dy * along + dx * across, width * (1 - 0.5 * t * t));
    }
  }
  const blond = rng.next() < 0.2;
  lay(pixels, mask, blond ? [0.42, 0.28, 0.16] : [0.02, 0.014, 0.012], blond ? 0.7 : 0.88);
}

/** A round dot with a soft rim of one pixel, keeping the greater value. */
function stamp(mask: Float32Array, size: number, x: number, y: number, radius: number): void {
  const reach = radius + 0.5;
  for (let py = Math.max(0, Math.floor(y - reach)); py <= Math.min(size - 1, Math.ceil(y + reach)); py++) {
    for (let px = Math.max(0, Math.floor(x - reach)); px <= Math.min(size - 1, Math.ceil(x + reach)); px++) {
      const value = Math.min(1, reach - Math.hypot(px - x, py - y));
      if (value > mask[py * size + px]!) mask[py * size + px] = value;
    }
  }
}

/**
 * Draws the scale that is printed on the glass of some dermatoscopes: a tick every millimetre along one edge, every
 * fifth a long one.
 *
 * @param pixels linear light, [size × size × 3], changed in place
 * @param pixelsPerMm how large a millimetre is in this picture
 */
export function drawRuler(pixels: Float32Array, size: number, pixelsPerMm: number, rng: Rng): void {
  const mask = new Float32Array(size * size);
  const edge = rng.int(0, 3);
  const inset = size * rng.uniform(0.015, 0.05);
  const start = rng.uniform(0, pixelsPerMm);
  const half = Math.max(0.5, size / 420);
  const first = rng.int(0, 4);
  for (let mm = 0; start + mm * pixelsPerMm < size; mm++) {
    const along = start + mm * pixelsPerMm;
    const length = size * ((mm + first) % 5 === 0 ? 0.075 : 0.04);
    for (let d = 0; d < length; d += 0.5) {
      const depth = edge < 2 ? inset + d : size - 1 - inset - d;
      if (edge % 2 === 0) stamp(mask, size, along, depth, half);
      else stamp(mask, size, depth, along, half);
    }
  }
  lay(pixels, mask, [0.03, 0.03, 0.035], 0.85);
}
