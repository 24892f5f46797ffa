import { luma } from '../../image/luma.ts';
import { shrink } from '../../image/shrink.ts';
import type { RgbImage } from '../../image/types.ts';
import { hashesOf, type Window } from './perceptual-hash.ts';

/** Width and height of the thumbnails by which two images are compared. */
export const SIDE = 64;

/** What is kept of an image in order to find copies of it: 6 KB. */
export interface Signature {
  /** Luma [SIDE × SIDE], the whole image squeezed into a square. */
  readonly thumbnail: Uint8Array;
  /** One perceptual hash a window of `WINDOWS`; none for an image without contrast, which resembles all such. */
  readonly hashes: readonly Float32Array[];
}

/**
 * The whole image, and windows of 95 % and 90 % of its sides: a copy that lost up to 10 % of its sides is close to one of them.
 */
export const WINDOWS: readonly Window[] = [
  { x: 0, y: 0, width: 1, height: 1 },
  ...squares(0.95, [0, 0.05]),
  ...squares(0.9, [0, 0.05, 0.1]),
];

function squares(side: number, starts: readonly number[]): Window[] {
  return starts.flatMap((y) => starts.map((x) => ({ x, y, width: side, height: side })));
}

/** Standard deviation of luma (0…255) below which there is nothing but noise to compare. */
const LEAST_CONTRAST = 3;

/** The signature of an image of any size. */
export function signatureOf(image: RgbImage): Signature {
  const { data } = shrink(image, SIDE, SIDE);
  const n = SIDE * SIDE;
  const thumbnail = new Uint8Array(n);
  const planes = {
    side: SIDE,
    luma: new Float32Array(n),
    squares: new Float32Array(n),
    red: new Float32Array(n),
    blue: new Float32Array(n),
  };
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const [r, g, b] = [data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!];
    const level = luma(r, g, b);
    planes.luma[i] = level;
    planes.squares[i] = level * level;
    planes.red[i] = r - level;
    planes.blue[i] = b - level;
    thumbnail[i] = Math.round(level);
    sum += level;
    squares += level * level;
  }
  const contrast = Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2));
  return { thumbnail, hashes: contrast < LEAST_CONTRAST ? [] : hashesOf(planes, WINDOWS) };
}
