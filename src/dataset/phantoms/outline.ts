import { type Rng, rngOf } from '../../core/rng.ts';

/** A closed, star-shaped contour: radii in mm at equal angles, the first at angle 0. */
export type Outline = Float32Array;

const ANGLES = 1024;

/**
 * A random contour as a Fourier series of the radius: R(θ) ∝ 1 + Σ aₖ cos(kθ + φₖ).
 *
 * Harmonic 2 is an ellipse, symmetric about both axes. Asymmetry adds the low odd harmonics, border irregularity the
 * high ones. Phases are random and amplitudes nearly fixed, so that a value always shows to the same degree.
 *
 * @param shape.asymmetry 0…1
 * @param shape.border 0…1
 * @param shape.diameter greatest width through the middle, mm
 * @param key what the lesion is called; the same key and seed give the same contour
 */
export function drawOutline(
  shape: { readonly asymmetry: number; readonly border: number; readonly diameter: number },
  seed: number,
  key: string,
): Outline {
  const rng = rngOf(seed, 'phantom', 'outline', key);
  const radii = new Float32Array(ANGLES).fill(1);
  addHarmonic(radii, 2, rng.uniform(0.04, 0.14), rng);
  addHarmonic(radii, 3, 0.01 + 0.17 * shape.asymmetry, rng);
  addHarmonic(radii, 4, 0.05 * shape.asymmetry, rng);
  addHarmonic(radii, 5, 0.07 * shape.asymmetry, rng);
  for (let k = 6; k <= 30; k++) {
    addHarmonic(radii, k, ((0.005 + 0.17 * shape.border) * rng.uniform(0.4, 1.6)) / k, rng);
  }

  let widest = 0;
  for (let i = 0; i < ANGLES; i++) {
    radii[i] = Math.max(0.3, radii[i]!);
  }
  for (let i = 0; i < ANGLES / 2; i++) widest = Math.max(widest, radii[i]! + radii[i + ANGLES / 2]!);
  return radii.map((radius) => (radius * shape.diameter) / widest);
}

function addHarmonic(radii: Float32Array, k: number, amplitude: number, rng: Rng): void {
  const phase = rng.uniform(0, 2 * Math.PI);
  for (let i = 0; i < ANGLES; i++) radii[i]! += amplitude * Math.cos((2 * Math.PI * k * i) / ANGLES + phase);
}

/** The radius at any angle (radians), interpolated. */
export function radiusAt(outline: Outline, angle: number): number {
  const turns = angle / (2 * Math.PI);
  const at = (turns - Math.floor(turns)) * ANGLES;
  const low = Math.floor(at);
  const from = outline[low & (ANGLES - 1)]!;
  return from + (at - low) * (outline[(low + 1) & (ANGLES - 1)]! - from);
}
