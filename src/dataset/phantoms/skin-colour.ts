import type { Rng } from '../../core/rng.ts';

/** Linear-light sRGB, 1 is white. */
export type LinearRgb = readonly [number, number, number];

/** CIE L*a*b* under D65. */
export interface Lab {
  readonly L: number;
  readonly a: number;
  readonly b: number;
}

export type Fitzpatrick = 'I' | 'II' | 'III' | 'IV' | 'V' | 'VI';

/**
 * Individual typology angle in degrees: atan((L* − 50) / b*) · 180 / π. High is light.
 *
 * @see Chardon, Cretois & Hourseau 1991, Int. J. Cosmet. Sci. 13:191
 */
export function itaOf(lab: Lab): number {
  return (Math.atan2(lab.L - 50, lab.b) * 180) / Math.PI;
}

// Chardon's classes, very light to dark, matched to Fitzpatrick types as is usual where only pixels are known.
const CLASSES: readonly { readonly type: Fitzpatrick; readonly above: number; readonly drawn: [number, number] }[] = [
  { type: 'I', above: 55, drawn: [55.5, 66] },
  { type: 'II', above: 41, drawn: [41.5, 54.5] },
  { type: 'III', above: 28, drawn: [28.5, 40.5] },
  { type: 'IV', above: 10, drawn: [10.5, 27.5] },
  { type: 'V', above: -30, drawn: [-29.5, 9.5] },
  { type: 'VI', above: Number.NEGATIVE_INFINITY, drawn: [-55, -30.5] },
];

export const FITZPATRICK: readonly Fitzpatrick[] = CLASSES.map(({ type }) => type);

/** The skin type that an ITA angle in degrees stands for. */
export function fitzpatrickOf(ita: number): Fitzpatrick {
  return CLASSES.find(({ above }) => ita > above)?.type ?? 'VI';
}

/** A skin tone of a type: its ITA is uniform within the class, its redness and yellowness plausible for it. */
export function drawSkin(type: Fitzpatrick, rng: Rng): Lab {
  const [low, high] = CLASSES.find((row) => row.type === type)!.drawn;
  const ita = rng.uniform(low, high);
  // Yellowness is greatest in tanned skin: about 10 in the lightest, 19 at 20°, 11 in the darkest.
  const b = 10 + 9 * Math.exp(-(((ita - 15) / 32) ** 2)) + rng.uniform(-1.2, 1.2);
  const a = 9 + 4 * Math.exp(-(((ita - 20) / 35) ** 2)) + rng.uniform(-1.5, 2.5);
  return { L: 50 + b * Math.tan((ita * Math.PI) / 180), a, b };
}

/** L*a*b* (D65) → XYZ → linear sRGB, clamped to the gamut. @see IEC 61966-2-1 */
export function labToLinear({ L, a, b }: Lab): LinearRgb {
  const fy = (L + 16) / 116;
  const back = (f: number): number => (f > 6 / 29 ? f ** 3 : 3 * (6 / 29) ** 2 * (f - 4 / 29));
  const x = 0.95047 * back(fy + a / 500);
  const y = back(fy);
  const z = 1.08883 * back(fy - b / 200);
  const clamp = (v: number): number => Math.min(1, Math.max(0, v));
  return [
    clamp(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
    clamp(-0.969266 * x + 1.8760108 * y + 0.041556 * z),
    clamp(0.0556434 * x - 0.2040259 * y + 1.0572252 * z),
  ];
}

/** Linear sRGB, 0…1 → the 8-bit value, 0…255, not yet rounded. @see IEC 61966-2-1 */
export function encodeSrgb(linear: number): number {
  return 255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055);
}
