/** The image formats that are read. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'tiff' | 'bmp' | 'dicom';

/** File name endings of the formats that are read, lower case with the dot. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  '.jpg',
  '.jpeg',
  '.png',
  '.webp',
  '.tif',
  '.tiff',
  '.bmp',
  '.dcm',
  '.dicom',
];

/** Image formats that are recognised by name in order to say that they are not read, rather than to overlook them. */
export const UNREAD_EXTENSIONS: readonly string[] = [
  '.gif',
  '.svg',
  '.heic',
  '.heif',
  '.avif',
  '.jp2',
  '.jxl',
  '.dng',
  '.cr2',
  '.nef',
  '.arw',
];

/**
 * The format that the first bytes of a file announce, whatever its name says.
 *
 * Looking before decoding is what keeps the decoder's other loaders (SVG, PDF, …), each with its own weaknesses, away from
 * files of strangers.
 *
 * @returns undefined for anything that is not read
 */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return 'jpeg';
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'png';
  if (startsWith(bytes, ascii('RIFF')) && startsWith(bytes.subarray(8), ascii('WEBP'))) return 'webp';
  // Version 42 is TIFF, 43 is BigTIFF, in either byte order.
  if (startsWith(bytes, [0x49, 0x49, 42, 0]) || startsWith(bytes, [0x4d, 0x4d, 0, 42])) return 'tiff';
  if (startsWith(bytes, [0x49, 0x49, 43, 0]) || startsWith(bytes, [0x4d, 0x4d, 0, 43])) return 'tiff';
  if (startsWith(bytes.subarray(128), ascii('DICM'))) return 'dicom';
  // Two letters alone would take a text for a picture; the four reserved bytes are zero in every BMP.
  if (startsWith(bytes, ascii('BM')) && startsWith(bytes.subarray(6), [0, 0, 0, 0])) return 'bmp';
  return undefined;
}

/** A few words for what a file that is not a known image seems to be, for an error message. */
export function contentName(bytes: Uint8Array): string {
  const head = bytes.subarray(0, 512);
  if (startsWith(head, ascii('GIF8'))) return 'a GIF';
  if (startsWith(head, ascii('%PDF'))) return 'a PDF';
  if (startsWith(head, ascii('PK'))) return 'a zip archive';
  if (startsWith(head.subarray(4), ascii('ftyp'))) return 'a HEIF, AVIF or video file';
  const text = new TextDecoder('latin1').decode(head);
  if (/<svg[\s>]/i.test(text)) return 'an SVG drawing';
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) return 'a web page or XML';
  // Text: no control characters but tab, line feed, form feed and carriage return.
  if (head.every((byte) => byte >= 32 || [9, 10, 12, 13].includes(byte))) return 'text';
  return 'something else';
}

function startsWith(bytes: Uint8Array, prefix: readonly number[]): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, i) => bytes[i] === byte);
}

function ascii(text: string): number[] {
  return [...text].map((character) => character.charCodeAt(0));
}
