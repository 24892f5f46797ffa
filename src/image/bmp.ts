import { DataError } from '../core/errors.ts';
import type { RgbImage } from './types.ts';

/** `BI_BITFIELDS`: the channels are where the masks say. */
const BITFIELDS = 3;

/**
 * Decodes an uncompressed BMP with 24 or 32 bits per pixel. The fourth byte of a 32-bit pixel is ignored, as nearly
 * every program that writes one leaves it undefined.
 *
 * @param bytes the file, starting with `BM`
 * @param name how an error names it
 * @param maxPixels refuse a larger picture, before memory is taken for it
 * @throws {DataError} `image/format` for palettes, compression and odd masks; `image/too-large`; `image/unreadable` when
 *   the header makes no sense or pixels are missing
 * @see BITMAPFILEHEADER and BITMAPINFOHEADER, Windows GDI
 */
export function decodeBmp(bytes: Uint8Array, name: string, maxPixels: number): RgbImage {
  if (bytes.length < 54) throw unreadable(name, `a header of 54 bytes, got ${bytes.length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pixels = view.getUint32(10, true);
  const headerSize = view.getUint32(14, true);
  const width = view.getInt32(18, true);
  // Rows run upwards, unless the height is negative.
  const signedHeight = view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);

  if (headerSize < 40) throw unreadable(name, `an information header of at least 40 bytes, got ${headerSize}`);
  if (width <= 0 || height === 0) throw unreadable(name, `a width and a height, got ${width} × ${signedHeight}`);
  if (width * height > maxPixels) throw tooLarge(name, width, height, maxPixels);
  const plain = compression === 0 || (compression === BITFIELDS && bits === 32 && masksAreBgr(view));
  if ((bits !== 24 && bits !== 32) || !plain) {
    throw new DataError(
      'image/format',
      `${name}: expected an uncompressed BMP with 24 or 32 bits per pixel, got ${bits} bits, compression ${compression}`,
      'Save it as PNG.',
    );
  }

  const step = bits / 8;
  // Every row is padded to a multiple of four bytes.
  const stride = Math.ceil((width * step) / 4) * 4;
  const end = pixels + stride * (height - 1) + width * step;
  if (pixels < 14 + headerSize || end > bytes.length) throw unreadable(name, `${end} bytes, got ${bytes.length}`);

  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    let from = pixels + stride * (signedHeight < 0 ? y : height - 1 - y);
    let to = y * width * 3;
    for (let x = 0; x < width; x++, from += step, to += 3) {
      data[to] = bytes[from + 2]!;
      data[to + 1] = bytes[from + 1]!;
      data[to + 2] = bytes[from]!;
    }
  }
  return { width, height, data };
}

/** The error for a picture that has more pixels than allowed. */
export function tooLarge(name: string, width: number, height: number, maxPixels: number): DataError {
  return new DataError(
    'image/too-large',
    `${name}: expected at most ${maxPixels} pixels, got ${width} × ${height}`,
    'Scale the picture down, or leave it out.',
  );
}

function masksAreBgr(view: DataView): boolean {
  if (view.byteLength < 66) return false;
  return (
    view.getUint32(54, true) === 0xff0000 && view.getUint32(58, true) === 0xff00 && view.getUint32(62, true) === 0xff
  );
}

function unreadable(name: string, expectedAndGot: string): DataError {
  return new DataError('image/unreadable', `${name}: expected ${expectedAndGot}`, 'The file is damaged: replace it.');
}
