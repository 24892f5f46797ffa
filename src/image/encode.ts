import sharp, { type Sharp } from 'sharp';
import { ShapeError } from '../core/errors.ts';
import type { RgbImage } from './types.ts';

/**
 * A picture as the bytes of a PNG file (lossless, no metadata).
 *
 * @throws {ShapeError} if the data is not height × width × 3 bytes
 */
export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  return await fromRaw(image).png().toBuffer();
}

/**
 * A picture as the bytes of a JPEG file (no metadata).
 *
 * @param quality 1 (smallest) … 100 (best). Default 90
 * @throws {ShapeError} if the data is not height × width × 3 bytes
 */
export async function encodeJpeg(image: RgbImage, quality = 90): Promise<Uint8Array> {
  return await fromRaw(image).jpeg({ quality }).toBuffer();
}

function fromRaw({ width, height, data }: RgbImage): Sharp {
  if (data.length !== width * height * 3 || data.length === 0) {
    throw new ShapeError(
      'image/shape',
      `image to encode: expected ${height} × ${width} × 3 bytes, more than none, got ${data.length}`,
    );
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}
