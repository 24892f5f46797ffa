import { readFile } from 'node:fs/promises';
import sharp, { type SharpOptions } from 'sharp';
import { DataError, messageOf } from '../core/errors.ts';
import { decodeBmp, tooLarge } from './bmp.ts';
import { decodeDicom } from './dicom/pixels.ts';
import { contentName, imageFormat } from './sniff.ts';
import type { RgbImage } from './types.ts';

/** 100 megapixels: 300 MB once decoded. */
export const MAX_PIXELS = 100_000_000;

export interface DecodeOptions {
  /** Refuse a picture with more pixels than this, before decoding it. Default 100,000,000. */
  readonly maxPixels?: number;
  /** How an error names the picture. Default: the path, or `image` for bytes. */
  readonly name?: string;
}

/**
 * Decodes a JPEG, PNG, WebP, TIFF, (24- and 32-bit, uncompressed) BMP or (visible light; uncompressed, RLE or JPEG baseline)
 * DICOM picture.
 *
 * The pixels come out as they are meant to be seen: upright (EXIF orientation applied), in sRGB (an embedded colour profile
 * is converted; grey and CMYK become RGB), 8 bits a channel (16 bits are scaled down), and without transparency: what is
 * transparent is laid on white, the paper on which cut-out pictures are shown. Of an animation or a TIFF with several
 * pages, or a DICOM file with several frames, the first is read. Damage anywhere in the file is an error, never grey pixels.
 *
 * @param source a path, or the bytes of the file. What the file is, is read from its bytes and not from its name
 * @returns RGB, 8 bits, HWC
 * @throws {DataError} `image/empty` no bytes; `image/format` not one of the formats above; `image/too-large`;
 *   `image/dicom` a DICOM file in an encoding that is not read, or damaged;
 *   `image/unreadable` missing, forbidden, truncated or damaged
 */
export async function decodeImage(source: string | Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  const name = options.name ?? (typeof source === 'string' ? source : 'image');
  const maxPixels = options.maxPixels ?? MAX_PIXELS;
  const bytes = typeof source === 'string' ? await readBytes(source, name) : source;
  if (bytes.length === 0) throw new DataError('image/empty', `${name}: expected an image, got an empty file`);

  const format = imageFormat(bytes);
  if (format === undefined) {
    throw new DataError(
      'image/format',
      `${name}: expected JPEG, PNG, WebP, TIFF, BMP or DICOM, got ${contentName(bytes)}`,
      'Convert the picture to PNG or JPEG, or leave it out.',
    );
  }
  if (format === 'bmp') return decodeBmp(bytes, name, maxPixels);
  if (format !== 'dicom') return await decodeCompressed(bytes, name, maxPixels);
  const picture = decodeDicom(bytes, name, maxPixels);
  if (!('jpeg' in picture)) return picture;
  const decoded = await decodeCompressed(picture.jpeg, name, maxPixels);
  if (decoded.width === picture.width && decoded.height === picture.height) return decoded;
  throw new DataError(
    'image/dicom',
    `${name}: expected ${picture.width} × ${picture.height} pixels, got a JPEG of ${decoded.width} × ${decoded.height}`,
    'Export the picture again, or as PNG.',
  );
}

async function readBytes(path: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(name, error);
  }
}

async function decodeCompressed(bytes: Uint8Array, name: string, maxPixels: number): Promise<RgbImage> {
  // `warning` is the only level at which damage in the middle of a JPEG is an error.
  const options: SharpOptions = { failOn: 'warning', limitInputPixels: false };
  try {
    // The header alone: a bomb is refused before a pixel of it is decoded.
    const { width, height, hasAlpha, depth } = await sharp(bytes, options).metadata();
    if (width * height > maxPixels) throw tooLarge(name, width, height, maxPixels);
    if (depth !== 'uchar' && depth !== 'ushort') {
      throw new DataError('image/format', `${name}: expected 8 or 16 bits a channel, got ${depth}`, 'Save it as PNG.');
    }
    let picture = sharp(bytes, options).autoOrient();
    if (hasAlpha) picture = picture.flatten({ background: '#ffffff' });
    const { data, info } = await picture.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) {
      throw new DataError('image/format', `${name}: expected 3 channels, got ${info.channels}`, 'Save it as RGB.');
    }
    return {
      width: info.width,
      height: info.height,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    };
  } catch (error) {
    throw error instanceof DataError ? error : unreadable(name, error);
  }
}

function unreadable(name: string, cause: unknown): DataError {
  // The decoder's messages can run over several lines; the first says what matters.
  const reason = messageOf(cause).split('\n')[0] ?? '';
  return new DataError(
    'image/unreadable',
    `${name}: expected an image, got a file that cannot be read: ${reason}`,
    'Replace the file, or leave it out.',
    { cause },
  );
}
