import { ShapeError } from '../core/errors.ts';
import type { RgbImage } from './types.ts';

/**
 * A picture at another size by area averaging: every new pixel is the mean of the rectangle that it covers, parts of pixels
 * counted as parts. Made for shrinking; enlarged, pixels become blocks.
 *
 * @param width > 0
 * @param height > 0
 * @throws {ShapeError} for a size that is no whole number of pixels
 */
export function shrink(image: RgbImage, width: number, height: number): RgbImage {
  if (!(Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0)) {
    throw new ShapeError('image/size', `shrink: expected whole numbers of pixels, got ${width} × ${height}`);
  }
  if (width === image.width && height === image.height) return image;
  const columns = coverage(image.width, width);
  const rows = coverage(image.height, height);
  const stride = image.width * 3;
  // Rows first: the inner loop then runs along memory, and one line of sums is all that is held.
  const line = new Float32Array(stride);
  const data = new Uint8Array(width * height * 3);
  const rounded = new Uint8ClampedArray(data.buffer); // the same bytes; rounds as it stores
  for (let y = 0; y < height; y++) {
    line.fill(0);
    for (const [row, weight] of rows[y]!) {
      const from = row * stride;
      for (let i = 0; i < stride; i++) line[i]! += weight * image.data[from + i]!;
    }
    for (let x = 0; x < width; x++) {
      let [r, g, b] = [0, 0, 0];
      for (const [column, weight] of columns[x]!) {
        r += weight * line[3 * column]!;
        g += weight * line[3 * column + 1]!;
        b += weight * line[3 * column + 2]!;
      }
      const to = (y * width + x) * 3;
      rounded[to] = r;
      rounded[to + 1] = g;
      rounded[to + 2] = b;
    }
  }
  return { width, height, data };
}

/** For every new pixel along one side, the old ones that it covers and their weights, which sum to 1. */
function coverage(from: number, to: number): [pixel: number, weight: number][][] {
  const scale = from / to;
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * scale, (i + 1) * scale];
    const covered: [number, number][] = [];
    for (let pixel = Math.floor(start); pixel < Math.min(from, end); pixel++) {
      const part = Math.min(end, pixel + 1) - Math.max(start, pixel);
      if (part > 1e-9) covered.push([pixel, part / scale]);
    }
    return covered;
  });
}
