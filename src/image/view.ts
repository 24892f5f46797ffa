import { UsageError } from '../core/errors.ts';
import { rngOf, shuffled } from '../core/rng.ts';
import { LUMA, luma } from './luma.ts';
import type { RgbImage } from './types.ts';

/**
 * One augmented copy of an image, as data: what is done to the pixels, in this order: cut out a window, mirror left to
 * right, turn clockwise, change colours. A lesion has no top and no left, so the eight flips and quarter turns are free.
 */
export interface View {
  /** Clockwise turns by 90°. */
  readonly quarterTurns: 0 | 1 | 2 | 3;
  /** Mirrored left to right, before the turns. */
  readonly mirrored: boolean;
  /** The window that is kept, as fractions of width and height, in the original's own orientation. */
  readonly crop: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** Factor on every value; 1 changes nothing. */
  readonly brightness: number;
  /** Factor on the distance from the mean luma of the window; 1 changes nothing. */
  readonly contrast: number;
  /** Factor on the distance from each pixel's luma; 1 changes nothing. */
  readonly saturation: number;
  /** Rotation of the chroma plane of YIQ, in radians; 0 changes nothing. */
  readonly hue: number;
}

/** How far views may stray. Every range is multiplied by `strength`. */
export interface ViewOptions {
  /** ≥ 0; 0 leaves only flips and quarter turns. Default 1 */
  readonly strength?: number;
  /** Greatest part of a side that the window may leave out, in [0, 0.9]. Default 0.15: sides of 85–100 % */
  readonly crop?: number;
  /** Greatest relative change of brightness, in [0, 0.9]. Default 0.1 */
  readonly brightness?: number;
  /** Greatest relative change of contrast, in [0, 0.9]. Default 0.1 */
  readonly contrast?: number;
  /** Greatest relative change of saturation, in [0, 0.9]. Default 0.1 */
  readonly saturation?: number;
  /** Greatest turn of hue, radians, in [0, π]. Default 0.1 (6°): colour is a diagnostic sign and must survive */
  readonly hue?: number;
}

/** Changes whenever the same view would give other pixels, so that remembered features are not mistaken for new ones. */
export const VIEW_VERSION = 1;

export const DEFAULT_VIEW_OPTIONS: Required<ViewOptions> = {
  strength: 1,
  crop: 0.15,
  brightness: 0.1,
  contrast: 0.1,
  saturation: 0.1,
  hue: 0.1,
};

const WHOLE = { x: 0, y: 0, width: 1, height: 1 } as const;

/** The image as it is. */
export const IDENTITY: View = {
  quarterTurns: 0,
  mirrored: false,
  crop: WHOLE,
  brightness: 1,
  contrast: 1,
  saturation: 1,
  hue: 0,
};

const TURNS = [0, 1, 2, 3] as const;
const DIHEDRAL: readonly View[] = [false, true].flatMap((mirrored) =>
  TURNS.map((quarterTurns) => ({ ...IDENTITY, quarterTurns, mirrored })),
);

/**
 * The eight symmetries of the square, whole image and true colours, for averaging predictions.
 *
 * @param index 0 is the identity, 0–3 turns, 4–7 the mirrored turns
 * @throws {UsageError} if the index is not an integer in 0…7
 */
export function dihedral(index: number): View {
  const view = DIHEDRAL[index];
  if (view === undefined) {
    throw new UsageError('view/index', `dihedral: expected an index 0…7, got ${index}`);
  }
  return view;
}

/**
 * The view of an image under an index. View 0 is the identity. Views 1…7 take the other seven symmetries in an order
 * of the image's own, so that eight views in a row cover all eight and two in a row never share one.
 *
 * @param index 0, 1, 2, …
 * @param imageKey what names the image, such as its hash: the same key, index and seed give the same view
 * @throws {UsageError} if the index or an option is out of range
 */
export function viewOf(index: number, imageKey: string, options: ViewOptions & { readonly seed: number }): View {
  if (!Number.isInteger(index) || index < 0) {
    throw new UsageError('view/index', `viewOf: expected an index 0, 1, 2, …, got ${index}`);
  }
  const range = rangesOf(options);
  if (index === 0) return IDENTITY;

  const order = [0, ...shuffled([1, 2, 3, 4, 5, 6, 7], rngOf(options.seed, 'view', imageKey, 'order'))];
  const { quarterTurns, mirrored } = dihedral(order[index % 8]!);
  const rng = rngOf(options.seed, 'view', imageKey, index);
  const side = rng.uniform(1 - range.crop, 1);
  return {
    quarterTurns,
    mirrored,
    crop: { x: rng.uniform(0, 1 - side), y: rng.uniform(0, 1 - side), width: side, height: side },
    brightness: rng.uniform(1 - range.brightness, 1 + range.brightness),
    contrast: rng.uniform(1 - range.contrast, 1 + range.contrast),
    saturation: rng.uniform(1 - range.saturation, 1 + range.saturation),
    hue: rng.uniform(-range.hue, range.hue),
  };
}

/** A text for cache keys: the same text, the same pixels of the same image. */
export function viewKey(view: View): string {
  const { crop } = view;
  return [
    `view${VIEW_VERSION}`,
    `turn=${view.quarterTurns}${view.mirrored ? 'm' : ''}`,
    `crop=${crop.x},${crop.y},${crop.width},${crop.height}`,
    `colour=${view.brightness},${view.contrast},${view.saturation},${view.hue}`,
  ].join(';');
}

/** A text for cache keys and for the record: the same text, the same views drawn by `viewOf`. */
export function describeViews(options: ViewOptions & { readonly seed: number }): string {
  const { crop, brightness, contrast, saturation, hue } = rangesOf(options);
  return `views${VIEW_VERSION};seed=${options.seed};crop=${crop};brightness=${brightness};contrast=${contrast};saturation=${saturation};hue=${hue}`;
}

/** The ranges with the strength multiplied in. */
function rangesOf(options: ViewOptions): Omit<Required<ViewOptions>, 'strength'> {
  const all = { ...DEFAULT_VIEW_OPTIONS, ...options };
  const scaled = (name: Exclude<keyof ViewOptions, 'strength'>, limit: number): number => {
    const value = all[name] * all.strength;
    if (!(all.strength >= 0 && value >= 0 && value <= limit)) {
      throw new UsageError(
        'view/range',
        `views: expected ${name} × strength in 0…${limit.toFixed(2)}, got ${all[name]} × ${all.strength}`,
        'Lower the strength of the augmentation; 0 leaves only flips and quarter turns.',
      );
    }
    return value;
  };
  return {
    crop: scaled('crop', 0.9),
    brightness: scaled('brightness', 0.9),
    contrast: scaled('contrast', 0.9),
    saturation: scaled('saturation', 0.9),
    hue: scaled('hue', Math.PI),
  };
}

/**
 * Draws a view of an image in one pass: every output pixel is one input pixel, its colour changed by one affine map.
 * An odd number of quarter turns swaps width and height. The identity returns the image itself.
 */
export function applyView(image: RgbImage, view: View): RgbImage {
  const window = windowOf(image, view.crop);
  const recolour = view.brightness !== 1 || view.contrast !== 1 || view.saturation !== 1 || view.hue !== 0;
  const whole = window.width === image.width && window.height === image.height;
  if (whole && !recolour && view.quarterTurns === 0 && !view.mirrored) return image;

  const { origin, column, row, width, height } = walkOf(image, window, view);
  const source = image.data;
  const data = new Uint8Array(width * height * 3);
  if (!recolour) {
    let at = 0;
    for (let y = 0; y < height; y++) {
      let from = origin + y * row;
      for (let x = 0; x < width; x++, from += column) {
        data[at++] = source[from]!;
        data[at++] = source[from + 1]!;
        data[at++] = source[from + 2]!;
      }
    }
    return { width, height, data };
  }

  const [rr, rg, rb, gr, gg, gb, br, bg, bb] = colourMatrix(view);
  // Saturation and hue leave greys alone, so the offset that contrast adds passes through both.
  const offset = view.contrast === 1 ? 0 : (1 - view.contrast) * view.brightness * meanLuma(image, window);
  const clamped = new Uint8ClampedArray(data.buffer); // the same bytes; rounds and clamps as it stores
  let at = 0;
  for (let y = 0; y < height; y++) {
    let from = origin + y * row;
    for (let x = 0; x < width; x++, from += column) {
      const r = source[from]!;
      const g = source[from + 1]!;
      const b = source[from + 2]!;
      clamped[at++] = rr * r + rg * g + rb * b + offset;
      clamped[at++] = gr * r + gg * g + gb * b + offset;
      clamped[at++] = br * r + bg * g + bb * b + offset;
    }
  }
  return { width, height, data };
}

interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The crop in whole pixels, at least one, inside the image. */
function windowOf(image: RgbImage, crop: View['crop']): Window {
  const along = (start: number, part: number, side: number): [number, number] => {
    const length = Math.min(side, Math.max(1, Math.round(part * side)));
    return [Math.min(side - length, Math.max(0, Math.round(start * side))), length];
  };
  const [left, width] = along(crop.x, crop.width, image.width);
  const [top, height] = along(crop.y, crop.height, image.height);
  return { left, top, width, height };
}

/** Where to start in the source and how far to step, in bytes, per output column and per output row. */
function walkOf(image: RgbImage, window: Window, view: View) {
  let { width, height } = window;
  let origin = (window.top * image.width + window.left) * 3;
  let column = 3;
  let row = image.width * 3;
  if (view.mirrored) {
    origin += (width - 1) * column;
    column = -column;
  }
  for (let turn = 0; turn < view.quarterTurns; turn++) {
    // Clockwise: the new first row is the old first column, read from its foot.
    origin += (height - 1) * row;
    [column, row] = [-row, column];
    [width, height] = [height, width];
  }
  return { origin, column, row, width, height };
}

// Scales of the colour differences R − Y and B − Y, where Y is luma.
const V = 0.877283;
const U = 0.492111;

function meanLuma(image: RgbImage, window: Window): number {
  let r = 0;
  let g = 0;
  let b = 0;
  for (let y = 0; y < window.height; y++) {
    let at = ((window.top + y) * image.width + window.left) * 3;
    for (let x = 0; x < window.width; x++, at += 3) {
      r += image.data[at]!;
      g += image.data[at + 1]!;
      b += image.data[at + 2]!;
    }
  }
  return luma(r, g, b) / (window.width * window.height);
}

type Matrix = readonly [number, number, number, number, number, number, number, number, number];

/** brightness · contrast · saturation · hue, without the offset, as one row-major matrix on (R, G, B). */
function colourMatrix(view: View): Matrix {
  const gain = view.brightness * view.contrast;
  const cos = view.saturation * Math.cos(view.hue);
  const sin = view.saturation * Math.sin(view.hue);
  const recoloured = (r: number, g: number, b: number): [number, number, number] => {
    const y = luma(r, g, b);
    // I and Q of NTSC are these two, turned by 33°: turning one pair by an angle turns the other by the same.
    const v = V * (r - y);
    const u = U * (b - y);
    const redness = (cos * v - sin * u) / V;
    const blueness = (sin * v + cos * u) / U;
    const greenness = -(LUMA[0] * redness + LUMA[2] * blueness) / LUMA[1];
    return [gain * (y + redness), gain * (y + greenness), gain * (y + blueness)];
  };
  const fromRed = recoloured(1, 0, 0);
  const fromGreen = recoloured(0, 1, 0);
  const fromBlue = recoloured(0, 0, 1);
  return [
    fromRed[0],
    fromGreen[0],
    fromBlue[0],
    fromRed[1],
    fromGreen[1],
    fromBlue[1],
    fromRed[2],
    fromGreen[2],
    fromBlue[2],
  ];
}
