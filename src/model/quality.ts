/** Whether a picture is good enough to be answered at all: measures of its pixels, and limits for them. */
import { ShapeError } from '../core/errors.ts';
import { luma } from '../image/luma.ts';
import { shrink } from '../image/shrink.ts';
import type { RgbImage } from '../image/types.ts';

/** What can be said of a picture without a model. */
export interface ImageQuality {
  /** The shorter side in pixels. */
  readonly side: number;
  /**
   * In [0, 1]: 1 − the blur of Crete et al., at 192 pixels. Dermoscopy mostly has 0.2 to 0.6; where a blur of 1 % of the width has
   * gone over it, 0 to 0.1.
   */
  readonly sharpness: number;
  /** Mean luma of the middle half in width and height, in [0, 1]; the corners of a dermatoscope's view are dark anyway. */
  readonly brightness: number;
  /** Standard deviation of luma over the picture, in [0, 1]. */
  readonly contrast: number;
  /** Share of the pixels, in [0, 1], that could be skin, a mole or hair: red is the strongest of the three, or all are alike. */
  readonly skin: number;
}

/** What a picture must keep to. */
export interface QualityLimits {
  readonly minSide: number;
  readonly minSharpness: number;
  readonly minBrightness: number;
  readonly maxBrightness: number;
  readonly minContrast: number;
  readonly minSkin: number;
}

/** A picture beyond these is refused, unless the model was made for such pictures; see `limitsFor`. */
export const QUALITY_LIMITS: QualityLimits = {
  minSide: 96,
  minSharpness: 0.18,
  minBrightness: 0.12,
  maxBrightness: 0.97,
  minContrast: 0.015,
  minSkin: 0.4,
};

/** Longer side at which pixels are looked at: what a network sees, and what makes pictures of any resolution comparable. */
const LOOKED_AT = 192;
/** Half the width of the averages that a picture is compared with. */
const REACH = 4;
/** What a difference may lose without having been sharp: rounding makes a staircase of a soft gradient. */
const ROUNDING = 1 / 255;
/** Steps of 255 by which green or blue may exceed red in skin: noise, white balance, violet light. */
const TOLERANCE = 12;

/**
 * Measures a picture.
 *
 * @throws {ShapeError} a picture without pixels
 */
export function imageQuality(image: RgbImage): ImageQuality {
  if (image.width * image.height === 0) throw new ShapeError('model/image', 'imageQuality: expected pixels, got none');
  const scale = Math.min(1, LOOKED_AT / Math.max(image.width, image.height));
  const size = (side: number): number => Math.max(1, Math.round(side * scale));
  const small = shrink(image, size(image.width), size(image.height));
  const levels = lumaOf(small);
  const [w, h] = [small.width, small.height];
  const { mean, deviation } = spread(levels);
  return {
    side: Math.min(image.width, image.height),
    sharpness: deviation === 0 ? 0 : 1 - Math.max(blur(levels, w, h, 1, w), blur(levels, h, w, w, 1)),
    brightness: w < 4 || h < 4 ? mean : middle(levels, w, h),
    contrast: deviation,
    skin: skinShare(small),
  };
}

/** Why a picture is refused, or undefined where it is good enough. The first of: size, exposure, contrast, blur, colour. */
export function qualityProblem(quality: ImageQuality, limits: QualityLimits): string | undefined {
  const { side, sharpness, brightness, contrast, skin } = quality;
  if (side < limits.minSide) return `too small: ${side} pixels, expected ${limits.minSide} at least`;
  if (brightness < limits.minBrightness) return 'too dark';
  if (brightness > limits.maxBrightness) return 'too bright';
  if (contrast < limits.minContrast) return 'blank';
  if (sharpness < limits.minSharpness) return 'blurred';
  if (skin < limits.minSkin) return 'not the colours of skin';
  return undefined;
}

/**
 * Limits for a model: the general ones, widened where pictures that it was made for lie beyond them. A share of the
 * validation pictures (0.5 %) may still lie outside, for some of those are bad too.
 *
 * @param qualities of validation pictures. Without any the general limits
 */
export function limitsFor(qualities: readonly ImageQuality[], general: QualityLimits = QUALITY_LIMITS): QualityLimits {
  if (qualities.length === 0) return general;
  const sorted = (key: keyof ImageQuality): number[] => qualities.map((q) => q[key]).sort((a, b) => a - b);
  const skipped = Math.floor(0.005 * qualities.length);
  const low = (key: keyof ImageQuality, limit: number): number =>
    rounded(Math.min(limit, sorted(key)[skipped]!), Math.floor);
  const high = (key: keyof ImageQuality, limit: number): number =>
    rounded(Math.max(limit, sorted(key).at(-1 - skipped)!), Math.ceil);
  return {
    minSide: low('side', general.minSide),
    minSharpness: low('sharpness', general.minSharpness),
    minBrightness: low('brightness', general.minBrightness),
    maxBrightness: high('brightness', general.maxBrightness),
    minContrast: low('contrast', general.minContrast),
    minSkin: low('skin', general.minSkin),
  };
}

/** To thousandths, outwards. */
function rounded(value: number, round: (x: number) => number): number {
  return round(value * 1000) / 1000;
}

/** Luma of Rec. 601, in [0, 1]. */
function lumaOf({ data }: RgbImage): Float32Array {
  return Float32Array.from(
    { length: data.length / 3 },
    (_, i) => luma(data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!) / 255,
  );
}

function spread(values: Float32Array): { readonly mean: number; readonly deviation: number } {
  let sum = 0;
  for (const v of values) sum += v;
  const mean = sum / values.length;
  let squares = 0;
  for (const v of values) squares += (v - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / values.length) };
}

function middle(levels: Float32Array, w: number, h: number): number {
  const [x0, x1, y0, y1] = [Math.floor(w / 4), Math.ceil((3 * w) / 4), Math.floor(h / 4), Math.ceil((3 * h) / 4)];
  let sum = 0;
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) sum += levels[y * w + x]!;
  return sum / ((x1 - x0) * (y1 - y0));
}

/**
 * Blur along one direction: the share of the differences between neighbours that is left once the picture is averaged over
 * 2 · 4 + 1 pixels. A sharp picture loses most of them, a blurred one has none to lose.
 *
 * @param length pixels along the direction, `step` apart; `lines` of them, `apart` apart
 * @returns in [0, 1]
 * @see Crete et al. 2007, "The blur effect: perception and estimation with a new no-reference perceptual blur metric",
 *   doi:10.1117/12.702790
 */
function blur(levels: Float32Array, length: number, lines: number, step: number, apart: number): number {
  let all = 0;
  let lost = 0;
  const line = new Float64Array(length);
  const smooth = new Float64Array(length);
  for (let l = 0; l < lines; l++) {
    for (let i = 0; i < length; i++) line[i] = levels[l * apart + i * step]!;
    // Beyond its ends the line goes on as it ends.
    const at = (i: number): number => line[Math.min(length - 1, Math.max(0, i))]!;
    let sum = 0;
    for (let k = -REACH; k <= REACH; k++) sum += at(k);
    for (let i = 0; i < length; i++) {
      smooth[i] = sum / (2 * REACH + 1);
      sum += at(i + REACH + 1) - at(i - REACH);
    }
    for (let i = 1; i < length; i++) {
      const difference = Math.abs(line[i]! - line[i - 1]!);
      all += difference;
      lost += Math.max(0, difference - Math.abs(smooth[i]! - smooth[i - 1]!) - ROUNDING);
    }
  }
  return all === 0 ? 1 : (all - lost) / all;
}

function skinShare({ data }: RgbImage): number {
  let count = 0;
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    if (r + TOLERANCE >= g && r + TOLERANCE >= b) count++;
  }
  return count / (data.length / 3);
}
