/** Texture without memory: every function gives the same value at the same place for the same salt. */

/** 32 random bits from two lattice coordinates and a salt (multiply–xorshift mixing). */
function latticeBits(x: number, y: number, salt: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ salt;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}

/** Smooth value noise in (−1, 1); features are about one unit wide. */
export function valueNoise(x: number, y: number, salt: number): number {
  const ix = Math.floor(x);
  const iy = Math.floor(y);
  const fx = x - ix;
  const fy = y - iy;
  const u = fx * fx * (3 - 2 * fx);
  const v = fy * fy * (3 - 2 * fy);
  const a = latticeBits(ix, iy, salt);
  const b = latticeBits(ix + 1, iy, salt);
  const c = latticeBits(ix, iy + 1, salt);
  const d = latticeBits(ix + 1, iy + 1, salt);
  const top = a + (b - a) * u;
  return (top + (c + (d - c) * u - top) * v) / 2 ** 31 - 1;
}

/** Value noise summed over octaves, each twice as fine and half as strong; in about (−1, 1). */
export function fractalNoise(x: number, y: number, salt: number, octaves: number): number {
  let sum = 0;
  let weight = 0.5;
  for (let octave = 0; octave < octaves; octave++) {
    sum += weight * valueNoise(x * 2 ** octave, y * 2 ** octave, salt + octave * 7919);
    weight /= 2;
  }
  return sum / (1 - 2 * weight);
}

/** Distances from a place to the nearest and the second nearest point of a jittered lattice, and the nearest's number. */
export interface Cell {
  first: number;
  second: number;
  /** Uniform in [0, 1): a property of the nearest point. */
  value: number;
}

/**
 * Cellular noise. `second − first` vanishes on the borders between cells, which draws a net.
 *
 * @param jitter 0 is a regular lattice (every other row shifted by half), 1 is irregular
 * @param out written and returned, so that a loop over pixels allocates nothing
 * @see Worley 1996, "A cellular texture basis function"
 */
export function cellNoise(x: number, y: number, salt: number, jitter: number, out: Cell): Cell {
  const iy = Math.floor(y);
  let first = 9;
  let second = 9;
  let nearest = 0;
  for (let cy = iy - 1; cy <= iy + 1; cy++) {
    const shift = (cy & 1) * 0.5;
    const ix = Math.floor(x - shift);
    for (let cx = ix - 1; cx <= ix + 1; cx++) {
      const bits = latticeBits(cx, cy, salt);
      const dx = cx + shift + 0.5 + jitter * ((bits & 0xffff) / 2 ** 16 - 0.5) - x;
      const dy = cy + 0.5 + jitter * ((bits >>> 16) / 2 ** 16 - 0.5) - y;
      const distance = dx * dx + dy * dy;
      if (distance < first) {
        second = first;
        first = distance;
        nearest = bits;
      } else if (distance < second) second = distance;
    }
  }
  out.first = Math.sqrt(first);
  out.second = Math.sqrt(second);
  out.value = ((nearest >>> 8) & 0xffff) / 2 ** 16;
  return out;
}

/** 0 up to `low`, 1 from `high`, smooth between (also for low > high, falling). */
export function smoothstep(low: number, high: number, x: number): number {
  const t = Math.min(1, Math.max(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
}
