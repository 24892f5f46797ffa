/** The picture in a DICOM file. */
import { DataError } from '../../core/errors.ts';
import { tooLarge } from '../bmp.ts';
import { imageFormat } from '../sniff.ts';
import type { RgbImage } from '../types.ts';
import { type Elements, numberOf, PIXEL_DATA, readDicom, textOf } from './elements.ts';

const UNCOMPRESSED = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'];
const RLE = '1.2.840.10008.1.2.5';
const JPEG_BASELINE = '1.2.840.10008.1.2.4.50';

/** Names of encodings that are met and not read. */
const NAMES: Readonly<Record<string, string>> = {
  '1.2.840.10008.1.2.4.51': 'JPEG Extended',
  '1.2.840.10008.1.2.4.57': 'JPEG Lossless',
  '1.2.840.10008.1.2.4.70': 'JPEG Lossless',
  '1.2.840.10008.1.2.4.80': 'JPEG-LS',
  '1.2.840.10008.1.2.4.81': 'JPEG-LS',
  '1.2.840.10008.1.2.4.90': 'JPEG 2000',
  '1.2.840.10008.1.2.4.91': 'JPEG 2000',
};

interface Format {
  readonly width: number;
  readonly height: number;
  readonly samples: 1 | 3;
  readonly colours: string;
  /** One plane a channel, rather than pixel by pixel. */
  readonly planar: boolean;
}

/** Pixels, or the JPEG file that holds them. */
export type DicomPicture = RgbImage | { readonly jpeg: Uint8Array; readonly width: number; readonly height: number };

/**
 * The first frame of a DICOM file in visible light: 8 bits a channel, RGB, YBR_FULL or grey; uncompressed, RLE or JPEG
 * baseline.
 *
 * @throws {DataError} `image/dicom` damaged, or an encoding that is not read, by name; `image/too-large`
 */
export function decodeDicom(data: Uint8Array, name: string, maxPixels: number): DicomPicture {
  const { transferSyntax, elements } = readDicom(data, name);
  const bad = (got: string): DataError =>
    new DataError(
      'image/dicom',
      `${name}: expected a picture of 8 bits a channel, uncompressed, RLE or JPEG baseline, got ${got}`,
      'Export the picture as PNG or JPEG.',
    );
  const read = [...UNCOMPRESSED, RLE, JPEG_BASELINE].includes(transferSyntax);
  if (!read)
    throw bad(`the transfer syntax ${transferSyntax}${NAMES[transferSyntax] ? ` (${NAMES[transferSyntax]})` : ''}`);
  const pixels = elements.get(PIXEL_DATA);
  if (pixels === undefined) throw bad('no pixels');
  const format = formatOf(elements, bad);
  const { width, height, colours } = format;
  if (width * height > maxPixels) throw tooLarge(name, width, height, maxPixels);

  if (transferSyntax === JPEG_BASELINE) {
    const jpeg = firstFrame(elements, pixels.fragments, bad);
    // Nothing else may reach the decoder under this name.
    if (imageFormat(jpeg) !== 'jpeg') throw bad('compressed pixels that are no JPEG');
    return { jpeg: colours === 'RGB' ? withRgbMark(jpeg) : jpeg, width, height };
  }
  if (transferSyntax === RLE) {
    const planes = unpackRle(firstFrame(elements, pixels.fragments, bad), format, bad);
    return toRgb(planes, { ...format, planar: true });
  }
  const half = colours === 'YBR_FULL_422';
  const expected = width * height * (half ? 2 : format.samples);
  // Values are padded to an even length, and further frames follow.
  if (pixels.value.length < expected) throw bad(`${pixels.value.length} bytes instead of ${expected}`);
  const frame = pixels.value.subarray(0, expected);
  return half ? toRgb(doubled(frame), format) : toRgb(frame, format);
}

function formatOf(elements: Elements, bad: (got: string) => DataError): Format {
  const height = numberOf(elements, 0x00280010) ?? 0;
  const width = numberOf(elements, 0x00280011) ?? 0;
  if (height === 0 || width === 0) throw bad(`a size of ${width} × ${height}`);
  const bits = numberOf(elements, 0x00280100) ?? 8;
  if (bits !== 8) throw bad(`${bits} bits`);
  const samples = numberOf(elements, 0x00280002) ?? 1;
  const colours = textOf(elements, 0x00280004);
  const known = samples === 3 ? ['RGB', 'YBR_FULL', 'YBR_FULL_422'] : ['MONOCHROME1', 'MONOCHROME2'];
  if ((samples !== 1 && samples !== 3) || !known.includes(colours))
    throw bad(`${samples} channels of the kind ${colours || 'unknown'}`);
  return { width, height, samples, colours, planar: numberOf(elements, 0x00280006) === 1 };
}

/** The pieces of the first frame, put together. */
function firstFrame(elements: Elements, fragments: readonly Buffer[], bad: (got: string) => DataError): Buffer {
  const [offsets, ...pieces] = fragments;
  if (offsets === undefined || pieces.length === 0) throw bad('no pixels');
  const frames = Number(textOf(elements, 0x00280008) || '1');
  if (frames <= 1) return Buffer.concat(pieces);
  // The second frame begins where the second offset says; without offsets each frame is one piece.
  const second = offsets.length >= 8 ? offsets.readUInt32LE(4) : 1;
  const own: Buffer[] = [];
  for (let at = 0, i = 0; at < second && i < pieces.length; i++) {
    own.push(pieces[i]!);
    at += 8 + pieces[i]!.length;
  }
  return Buffer.concat(own);
}

/** RLE (PS3.5 annex G): one PackBits stream a channel. @returns the channels as planes */
function unpackRle(frame: Buffer, { width, height, samples }: Format, bad: (got: string) => DataError): Uint8Array {
  const size = width * height;
  const count = frame.length < 64 ? 0 : frame.readUInt32LE(0);
  if (count !== samples) throw bad(`${count} RLE segments for ${samples} channels`);
  const planes = new Uint8Array(size * samples);
  for (let s = 0; s < samples; s++) {
    let at = frame.readUInt32LE(4 + 4 * s);
    let to = s * size;
    const end = to + size;
    const stop = s + 1 < samples ? frame.readUInt32LE(8 + 4 * s) : frame.length;
    while (to < end) {
      if (at >= Math.min(stop, frame.length)) throw bad('RLE data that ends too soon');
      const control = frame.readInt8(at++);
      if (control >= 0) {
        const length = Math.min(control + 1, end - to);
        if (at + length > frame.length) throw bad('RLE data that ends too soon');
        planes.set(frame.subarray(at, at + length), to);
        at += control + 1;
        to += length;
      } else if (control !== -128) {
        const length = Math.min(1 - control, end - to);
        if (at >= frame.length) throw bad('RLE data that ends too soon');
        planes.fill(frame[at++]!, to, to + length);
        to += length;
      }
    }
  }
  return planes;
}

/** Y Y Cb Cr of two pixels as Y Cb Cr of each. */
function doubled(frame: Buffer): Uint8Array {
  const out = new Uint8Array((frame.length / 2) * 3);
  for (let from = 0, to = 0; from + 3 < frame.length; from += 4, to += 6) {
    const [first, second, cb, cr] = [frame[from]!, frame[from + 1]!, frame[from + 2]!, frame[from + 3]!];
    out.set([first, cb, cr, second, cb, cr], to);
  }
  return out;
}

function toRgb(data: Uint8Array, { width, height, samples, colours, planar }: Format): RgbImage {
  const size = width * height;
  const out = new Uint8ClampedArray(size * 3);
  const [step, apart] = planar ? [1, size] : [samples, 1];
  for (let i = 0; i < size; i++) {
    const at = i * step;
    const a = data[at]!;
    if (samples === 1) {
      out.fill(colours === 'MONOCHROME1' ? 255 - a : a, 3 * i, 3 * i + 3);
      continue;
    }
    const b = data[at + apart]!;
    const c = data[at + 2 * apart]!;
    if (colours === 'RGB') {
      out[3 * i] = a;
      out[3 * i + 1] = b;
      out[3 * i + 2] = c;
    } else {
      // ITU-R BT.601, full range (PS3.3, C.7.6.3.1.2). Assignment rounds and clamps.
      out[3 * i] = a + 1.402 * (c - 128);
      out[3 * i + 1] = a - 0.344136 * (b - 128) - 0.714136 * (c - 128);
      out[3 * i + 2] = a + 1.772 * (b - 128);
    }
  }
  return { width, height, data: new Uint8Array(out.buffer) };
}

/**
 * A JPEG that says itself that its channels are red, green and blue. DICOM says it outside of the JPEG, and decoders take
 * three channels for luma and chroma where nothing in the JPEG tells otherwise.
 */
function withRgbMark(jpeg: Buffer): Buffer {
  if (jpeg.indexOf(Buffer.from('Adobe')) === 6 || jpeg.includes(Buffer.from([0xff, 0xee, 0, 14, 0x41, 0x64])))
    return jpeg;
  const mark = Buffer.from([0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, 0]);
  return Buffer.concat([jpeg.subarray(0, 2), mark, jpeg.subarray(2)]);
}
