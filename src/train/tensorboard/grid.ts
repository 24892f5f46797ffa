import sharp from 'sharp';
import { ShapeError, UsageError } from '../../core/errors.ts';
import type { RgbImage } from '../../image/types.ts';

/** What is written under a picture. */
export interface Caption {
  /** Such as `mel → nv 0.93`. Shortened where it does not fit. */
  readonly text: string;
  /** Right (green, a tick) or wrong (red, a cross). */
  readonly ok: boolean;
}

export interface GridOptions {
  /** Pictures in a row. Default: as many as make the grid nearly square. */
  readonly columns?: number;
  /** Side of a picture in pixels. Default 144. */
  readonly tile?: number;
}

/** An encoded picture and its size in pixels. */
export interface PngImage {
  readonly png: Buffer;
  readonly width: number;
  readonly height: number;
}

const GAP = 6;
const STRIP = 22;
const FONT = 12.5;
const PAPER = '#f4f4f2';
const TILE = { r: 30, g: 30, b: 32 };
const RIGHT = '#1a7f37';
const WRONG = '#c62828';

/**
 * Pictures in a grid, each whole (never cropped) and with a caption strip below it, as one PNG.
 *
 * Colour is not all that tells right from wrong: there is a tick or a cross as well. Captions need a font on the
 * machine; where there is none the marks remain.
 *
 * @param images at least one
 * @param captions one for each image
 * @throws {ShapeError} if the numbers differ or there is none
 * @throws {UsageError} if an option is out of range
 */
export async function imageGrid(
  images: readonly RgbImage[],
  captions: readonly Caption[],
  { columns = Math.ceil(Math.sqrt(images.length)), tile = 144 }: GridOptions = {},
): Promise<PngImage> {
  if (images.length === 0 || images.length !== captions.length) {
    throw new ShapeError(
      'grid/length',
      `imageGrid: expected one caption for each of at least one image, got ${images.length} images and ${captions.length} captions`,
    );
  }
  for (const [name, value] of Object.entries({ columns, tile })) {
    if (!Number.isInteger(value) || value < 1) {
      throw new UsageError('grid/option', `imageGrid, ${name}: expected a whole number ≥ 1, got ${value}`);
    }
  }
  const across = Math.min(columns, images.length);
  const down = Math.ceil(images.length / across);
  const width = GAP + across * (tile + GAP);
  const height = GAP + down * (tile + STRIP + GAP);
  const corners = images.map((_, i) => ({
    left: GAP + (i % across) * (tile + GAP),
    top: GAP + Math.floor(i / across) * (tile + STRIP + GAP),
  }));
  const pictures = await Promise.all(
    images.map(async ({ width: w, height: h, data }, i) => {
      const input = await sharp(data, { raw: { width: w, height: h, channels: 3 } })
        .resize(tile, tile, { fit: 'contain', background: TILE })
        .raw()
        .toBuffer();
      return { input, raw: { width: tile, height: tile, channels: 3 as const }, ...corners[i]! };
    }),
  );
  const strips = captions.map((caption, i) => strip(caption, corners[i]!.left, corners[i]!.top + tile, tile));
  const overlay = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${strips.join('')}</svg>`;
  const png = await sharp({ create: { width, height, channels: 3, background: PAPER } })
    .composite([...pictures, { input: Buffer.from(overlay), left: 0, top: 0 }])
    // 256 colours: a third of the bytes, and one is written every epoch.
    .png({ palette: true, compressionLevel: 9 })
    .toBuffer();
  return { png, width, height };
}

/** A picture inside the picture, which clips the text whatever the font. */
function strip({ text, ok }: Caption, left: number, top: number, width: number): string {
  const middle = STRIP / 2;
  const mark = ok ? 'm-4.5 0.5 l3 3.5 l6 -7.5' : 'm-4 -4 l8 8 m0 -8 l-8 8';
  return (
    `<svg x="${left}" y="${top}" width="${width}" height="${STRIP}">` +
    `<rect width="${width}" height="${STRIP}" fill="${ok ? RIGHT : WRONG}"/>` +
    `<path d="M12 ${middle} ${mark}" fill="none" stroke="#fff" stroke-width="2.2" stroke-linecap="round"/>` +
    `<text x="22" y="${middle + FONT * 0.36}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif" ` +
    `font-size="${FONT}" fill="#fff">${escapeXml(shorten(text, (width - 25) / FONT))}</text></svg>`
  );
}

/** Takes letters out of the middle until the text fits a width in ems: the end, a probability, says more. */
function shorten(text: string, room: number): string {
  const letters = [...text];
  if (widthOf(text) <= room) return text;
  const end = letters.splice(Math.max(0, letters.length - 5)).join('');
  while (letters.length > 0 && widthOf(`${letters.join('')}…${end}`) > room) letters.pop();
  return `${letters.join('')}…${end}`;
}

/** Width of a text in ems of a wide sans-serif face (DejaVu Sans), roughly. */
function widthOf(text: string): number {
  let width = 0;
  for (const letter of text)
    width += /[ijl.,:;'|I!]/.test(letter)
      ? 0.32
      : /[ frt()-]/.test(letter)
        ? 0.4
        : /[mwMW@%→…]/.test(letter)
          ? 1
          : letter < '\u2e80'
            ? 0.62
            : 1;
  return width;
}

/** Text inside an XML element; control characters, which XML forbids, become U+FFFD. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
