import type { Window } from './perceptual-hash.ts';

/** How alike two pictures are once one is laid on the other. */
export interface Likeness {
  /** Correlation of brightness over what both show, −1…1: do they look the same from afar? */
  readonly correlation: number;
  /**
   * Correlation of the slopes s of brightness, each taken as s / √(|s|² + 4²), −1…1: do edges, hairs and texture coincide? Without
   * the division the outline of a mole on smooth skin would be all that counts, and round moles would be alike.
   */
  readonly detail: number;
  /** The part of the first picture that fills the second; may reach beyond it. */
  readonly window: Window;
}

/** Unknowns of the fit: scale and shift in x and in y, gain, offset. */
const UNKNOWNS = 6;
const STEPS = { coarse: 12, fine: 6 };
/** Slopes, in levels of luma per two pixels, far above which all count the same; below it is the noise of compression. */
const SOFT = 4;
/** A window that leaves this range is no crop by 10 % in either direction. */
const SIZES = { least: 0.85, most: 1.18, shift: 0.18 };

/**
 * Lays one picture on another, which may be a crop of it or the other way round, and measures how alike they are.
 *
 * Fits T(x, y) ≈ gain · S(x₀ + w x, y₀ + h y) + offset by Gauss–Newton, from coarse to fine, so brightness and contrast do not
 * matter. Both pictures have one size.
 *
 * @param source luma [side × side]
 * @param target luma [side × side]
 * @param side a multiple of 2
 * @param start where the target is looked for first
 * @returns undefined where the fit runs away: the pictures are not crops of one another
 * @see Lucas & Kanade 1981; Baker & Matthews 2004, Lucas–Kanade 20 years on, section 2
 */
export function align(source: Uint8Array, target: Uint8Array, side: number, start: Window): Likeness | undefined {
  const half = side / 2;
  const coarse = fit(halved(source, side), halved(target, side), half, start, STEPS.coarse);
  if (coarse === undefined) return undefined;
  const fine = fit(source, target, side, coarse, STEPS.fine);
  return fine === undefined ? undefined : likeness(source, target, side, fine);
}

type Plane = Uint8Array | Float32Array;

function fit(source: Plane, target: Plane, side: number, start: Window, steps: number): Window | undefined {
  let window = start;
  const normal = new Float64Array(UNKNOWNS * (UNKNOWNS + 1));
  const row = new Float64Array(UNKNOWNS + 1);
  let gain = 1;
  for (let step = 0; step < steps; step++) {
    normal.fill(0);
    const { x: x0, y: y0, width, height } = window;
    for (let j = 0; j < side; j++) {
      const v = (j + 0.5) / side;
      const y = (y0 + height * v) * side - 0.5;
      const j0 = Math.floor(y);
      if (j0 < 0 || j0 + 1 >= side) continue;
      const fy = y - j0;
      for (let i = 0; i < side; i++) {
        const u = (i + 0.5) / side;
        const x = (x0 + width * u) * side - 0.5;
        const i0 = Math.floor(x);
        if (i0 < 0 || i0 + 1 >= side) continue;
        const fx = x - i0;
        const at = j0 * side + i0;
        const [a, b, c, d] = [source[at]!, source[at + 1]!, source[at + side]!, source[at + side + 1]!];
        const top = a + (b - a) * fx;
        const bottom = c + (d - c) * fx;
        const slopeX = gain * side * (b - a + (d - c - b + a) * fy);
        const slopeY = gain * side * (bottom - top);
        row[0] = slopeX;
        row[1] = slopeX * u;
        row[2] = slopeY;
        row[3] = slopeY * v;
        row[4] = top + (bottom - top) * fy;
        row[5] = 1;
        row[6] = target[j * side + i]!;
        for (let p = 0; p < UNKNOWNS; p++) {
          for (let q = p; q <= UNKNOWNS; q++) normal[p * 7 + q]! += row[p]! * row[q]!;
        }
      }
    }
    const solved = solve(normal);
    if (solved === undefined) return undefined;
    const [dx, dw, dy, dh, nextGain] = solved;
    window = { x: x0 + dx!, y: y0 + dy!, width: width + dw!, height: height + dh! };
    gain = nextGain!;
    if (!(gain > 0) || !isPlausible(window)) return undefined;
    if (Math.abs(dx!) + Math.abs(dy!) + Math.abs(dw!) + Math.abs(dh!) < 1e-4) break;
  }
  return window;
}

function isPlausible({ x, y, width, height }: Window): boolean {
  const sizes = [width, height].every((size) => size >= SIZES.least && size <= SIZES.most);
  // A window must not lie far outside either.
  const shifts = [x, y, 1 - x - width, 1 - y - height].every((shift) => Math.abs(shift) <= SIZES.shift);
  return sizes && shifts;
}

/** Gaussian elimination of the symmetric system whose upper half is given, with a little damping. */
function solve(normal: Float64Array): Float64Array | undefined {
  const n = UNKNOWNS;
  const width = n + 1;
  for (let p = 0; p < n; p++) {
    for (let q = 0; q < p; q++) normal[p * width + q] = normal[q * width + p]!;
  }
  for (let p = 0; p < n; p++) normal[p * width + p]! *= 1 + 1e-6;
  for (let p = 0; p < n; p++) {
    const pivot = normal[p * width + p]!;
    if (!(pivot > 1e-12)) return undefined;
    for (let r = p + 1; r < n; r++) {
      const factor = normal[r * width + p]! / pivot;
      for (let q = p; q <= n; q++) normal[r * width + q]! -= factor * normal[p * width + q]!;
    }
  }
  const out = new Float64Array(n);
  for (let p = n - 1; p >= 0; p--) {
    let value = normal[p * width + n]!;
    for (let q = p + 1; q < n; q++) value -= normal[p * width + q]! * out[q]!;
    out[p] = value / normal[p * width + p]!;
  }
  return out;
}

function likeness(source: Uint8Array, target: Uint8Array, side: number, window: Window): Likeness {
  const laid = new Float32Array(side * side).fill(Number.NaN);
  const { x: x0, y: y0, width, height } = window;
  for (let j = 0; j < side; j++) {
    const y = (y0 + (height * (j + 0.5)) / side) * side - 0.5;
    const j0 = Math.floor(y);
    if (j0 < 0 || j0 + 1 >= side) continue;
    for (let i = 0; i < side; i++) {
      const x = (x0 + (width * (i + 0.5)) / side) * side - 0.5;
      const i0 = Math.floor(x);
      if (i0 < 0 || i0 + 1 >= side) continue;
      const at = j0 * side + i0;
      const [fx, fy] = [x - i0, y - j0];
      const top = source[at]! * (1 - fx) + source[at + 1]! * fx;
      const bottom = source[at + side]! * (1 - fx) + source[at + side + 1]! * fx;
      laid[j * side + i] = top * (1 - fy) + bottom * fy;
    }
  }
  const level = correlator();
  for (let at = 0; at < laid.length; at++) if (!Number.isNaN(laid[at]!)) level.add(laid[at]!, target[at]!);
  const gain = level.gain();
  const slope = correlator();
  for (let j = 1; j < side - 1; j++) {
    for (let i = 1; i < side - 1; i++) {
      const at = j * side + i;
      const ax = gain * (laid[at + 1]! - laid[at - 1]!);
      const ay = gain * (laid[at + side]! - laid[at - side]!);
      // A pixel outside makes its sums not a number.
      if (Number.isNaN(ax + ay)) continue;
      const bx = target[at + 1]! - target[at - 1]!;
      const by = target[at + side]! - target[at - side]!;
      const [a, b] = [Math.hypot(ax, ay, SOFT), Math.hypot(bx, by, SOFT)];
      slope.add(ax / a, bx / b);
      slope.add(ay / a, by / b);
    }
  }
  return { correlation: level.value(), detail: slope.value(), window };
}

/** Pearson's correlation of pairs as they come; 0 where one side does not vary. */
function correlator() {
  let [n, sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0, 0];
  return {
    add(a: number, b: number): void {
      n++;
      sa += a;
      sb += b;
      saa += a * a;
      sbb += b * b;
      sab += a * b;
    },
    /** The factor on a that predicts b best. */
    gain(): number {
      const spread = n * saa - sa * sa;
      return spread > 0 ? (n * sab - sa * sb) / spread : 0;
    },
    value(): number {
      const spread = (n * saa - sa * sa) * (n * sbb - sb * sb);
      return spread > 0 ? (n * sab - sa * sb) / Math.sqrt(spread) : 0;
    },
  };
}

/** A plane at half its size, averaged. */
function halved(plane: Plane, side: number): Float32Array {
  const half = side / 2;
  const out = new Float32Array(half * half);
  for (let j = 0; j < half; j++) {
    for (let i = 0; i < half; i++) {
      const at = 2 * j * side + 2 * i;
      out[j * half + i] = (plane[at]! + plane[at + 1]! + plane[at + side]! + plane[at + side + 1]!) / 4;
    }
  }
  return out;
}
