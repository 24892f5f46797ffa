import { luma } from '../../image/luma.ts';
import type { RgbImage } from '../../image/types.ts';

/** A few numbers that tell a usable photograph from an odd one. */
export interface Quality {
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** Standard deviation of luma, 0…127.5. */
  readonly contrast: number;
  /** Mean difference of the greatest and the least of R, G and B, 0…255; 0 for grey. */
  readonly chroma: number;
  /** Variance of the Laplacian of luma, with the longer side scaled to at most 256 pixels. */
  readonly sharpness: number;
}

/**
 * Measures a picture.
 *
 * @param image scaled down so that measurements of pictures of any size can be compared
 * @param size of the picture before
 * @see Pech-Pacheco et al. 2000, Diatom autofocusing in brightfield microscopy (variance of the Laplacian)
 */
export function qualityOf(image: RgbImage, size: { readonly width: number; readonly height: number }): Quality {
  const { width, height, data } = image;
  const levels = new Float32Array(width * height);
  let chroma = 0;
  const level = variance();
  for (let i = 0; i < levels.length; i++) {
    const [r, g, b] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    levels[i] = luma(r, g, b);
    level.add(levels[i]!);
    chroma += Math.max(r, g, b) - Math.min(r, g, b);
  }
  const edges = variance();
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      edges.add(levels[i - 1]! + levels[i + 1]! + levels[i - width]! + levels[i + width]! - 4 * levels[i]!);
    }
  }
  return {
    width: size.width,
    height: size.height,
    contrast: Math.sqrt(level.value()),
    chroma: chroma / levels.length,
    sharpness: edges.value(),
  };
}

function variance() {
  let [n, sum, squares] = [0, 0, 0];
  return {
    add(value: number): void {
      n++;
      sum += value;
      squares += value * value;
    },
    value: (): number => (n === 0 ? 0 : Math.max(0, squares / n - (sum / n) ** 2)),
  };
}

export type Suspicion = 'small' | 'aspect' | 'blank' | 'grey' | 'blurred';

/** An image that is out of the ordinary, and by what measure. It is reported and still used. */
export interface SuspiciousImage {
  readonly id: string;
  readonly kind: Suspicion;
  readonly value: number;
  /** What other images of the data set keep to: a least value, for `aspect` a greatest. */
  readonly limit: number;
}

/** Fewer images are no measure of what is usual. */
const LEAST_FOR_MEDIAN = 20;
/** Robust standard deviations (1.4826 × median absolute deviation) below the median of log sharpness. */
const BLUR_DEVIATIONS = 3;

/**
 * Images unlike the others of their data set: of less than a quarter of the usual size or below 64 pixels; more than twice as
 * long as usual, or 3 : 1; hardly any contrast; grey among coloured ones; far less sharp than usual.
 */
export function suspiciousImages(qualities: ReadonlyMap<string, Quality>): SuspiciousImage[] {
  const all = [...qualities.values()];
  const enough = all.length >= LEAST_FOR_MEDIAN;
  const usualSide = enough ? median(all.map(shorterSide)) : 0;
  const usualAspect = enough ? median(all.map(aspectOf)) : 1;
  const isColoured = !enough || median(all.map(({ chroma }) => chroma)) > 12;
  const sharp = all.map(logSharpness);
  const usualSharpness = enough ? median(sharp) : 0;
  const spread = 1.4826 * median(sharp.map((value) => Math.abs(value - usualSharpness)));

  const limits = {
    small: Math.max(64, usualSide / 4),
    aspect: Math.max(3, 2 * usualAspect),
    blank: 4,
    grey: isColoured ? 3 : 0,
    // At least to a quarter of the variance: in a data set of one camera even sharp images are rare.
    blurred: enough ? Math.exp(usualSharpness - Math.max(BLUR_DEVIATIONS * spread, Math.log(4))) : 0,
  };
  const out: SuspiciousImage[] = [];
  for (const [id, quality] of qualities) {
    const { contrast, chroma, sharpness } = quality;
    const add = (kind: Suspicion, value: number): void => {
      const limit = limits[kind];
      if (kind === 'aspect' ? value > limit : value < limit) out.push({ id, kind, value, limit });
    };
    add('small', shorterSide(quality));
    add('aspect', aspectOf(quality));
    add('blank', contrast);
    // A blank image has neither colour nor edges: once is enough.
    if (contrast < limits.blank) continue;
    add('grey', chroma);
    add('blurred', sharpness);
  }
  return out;
}

const shorterSide = ({ width, height }: Quality): number => Math.min(width, height);
const aspectOf = ({ width, height }: Quality): number => Math.max(width, height) / Math.min(width, height);
const logSharpness = ({ sharpness }: Quality): number => Math.log(sharpness + 0.1);

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
