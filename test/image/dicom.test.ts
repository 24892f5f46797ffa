import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import { readDataset } from '../../src/dataset/read.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { dicomFacts } from '../../src/image/dicom/facts.ts';
import { encodeJpeg } from '../../src/image/encode.ts';
import { folderWith } from '../dataset/folder.ts';
import { dicomOf, encapsulated, shape } from './dicom-writer.ts';

const IMPLICIT = '1.2.840.10008.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const RLE = '1.2.840.10008.1.2.5';
const JPEG = '1.2.840.10008.1.2.4.50';
const [W, H] = [5, 4];
const RGB = Buffer.from(Uint8Array.from({ length: W * H * 3 }, (_, i) => (i * 53) % 256));
const planesOf = (data: Buffer): Buffer =>
  Buffer.concat([0, 1, 2].map((c) => Buffer.from(data.filter((_, i) => i % 3 === c))));
const pixelsOf = async (file: Buffer): Promise<number[]> => [...(await decodeImage(file)).data];

/** PackBits with runs and literals, one stream a channel. */
function rle(planes: readonly Buffer[]): Buffer {
  const segments = planes.map((plane) => {
    const out: number[] = [];
    for (let i = 0; i < plane.length; ) {
      let run = 1;
      while (run < 128 && plane[i + run] === plane[i]) run += 1;
      if (run > 1) out.push(257 - run, plane[i]!);
      else out.push(0, plane[i]!);
      i += run;
    }
    // −128 does nothing.
    out.push(128);
    return Buffer.from(out);
  });
  const head = Buffer.alloc(64);
  head.writeUInt32LE(planes.length, 0);
  let at = 64;
  for (const [s, segment] of segments.entries()) {
    head.writeUInt32LE(at, 4 + 4 * s);
    at += segment.length;
  }
  return Buffer.concat([head, ...segments]);
}

describe('DICOM pixels', () => {
  it.each([
    ['explicit', dicomOf(EXPLICIT, shape(W, H), RGB)],
    ['implicit', dicomOf(IMPLICIT, shape(W, H), RGB, { explicit: false })],
    ['planar', dicomOf(EXPLICIT, shape(W, H, { '00280006': 1 }), planesOf(RGB))],
    [
      'RLE',
      dicomOf(RLE, shape(W, H), {
        fragments: encapsulated([rle([0, 1, 2].map((c) => planesOf(RGB).subarray(c * 20, c * 20 + 20)))]),
      }),
    ],
    ['two frames', dicomOf(EXPLICIT, shape(W, H, { '00280008': '2' }), Buffer.concat([RGB, Buffer.alloc(60)]))],
  ])('are exact: %s', async (_, file) => {
    expect(await pixelsOf(file)).toEqual([...RGB]);
  });

  it('in grey, both ways round', async () => {
    const grey = Buffer.from([0, 100, 200, 255]);
    const of = (kind: string): Buffer => dicomOf(EXPLICIT, shape(2, 2, { '00280002': 1, '00280004': kind }), grey);
    expect(await pixelsOf(of('MONOCHROME2'))).toEqual([...grey].flatMap((v) => [v, v, v]));
    expect(await pixelsOf(of('MONOCHROME1'))).toEqual([...grey].flatMap((v) => [255 - v, 255 - v, 255 - v]));
  });

  it('in luma and chroma', async () => {
    // Pure red and grey in ITU-R BT.601, full range.
    const full = Buffer.from([76, 85, 255, 120, 128, 128]);
    expect(await pixelsOf(dicomOf(EXPLICIT, shape(2, 1, { '00280004': 'YBR_FULL' }), full))).toEqual([
      254, 0, 0, 120, 120, 120,
    ]);
    const half = Buffer.from([10, 20, 128, 128]);
    expect(await pixelsOf(dicomOf(EXPLICIT, shape(2, 1, { '00280004': 'YBR_FULL_422' }), half))).toEqual([
      10, 10, 10, 20, 20, 20,
    ]);
  });

  it('as JPEG in one piece, in several, and as the first of two frames', async () => {
    const jpeg = Buffer.from(await encodeJpeg({ width: W, height: H, data: RGB }));
    const other = Buffer.from(await encodeJpeg({ width: W, height: H, data: Buffer.alloc(60) }));
    const expected = [...(await decodeImage(jpeg)).data];
    const kind = shape(W, H, { '00280004': 'YBR_FULL_422' });
    expect(await pixelsOf(dicomOf(JPEG, kind, { fragments: encapsulated([jpeg]) }))).toEqual(expected);
    const pieces = [jpeg.subarray(0, 100), jpeg.subarray(100)];
    expect(await pixelsOf(dicomOf(JPEG, kind, { fragments: encapsulated(pieces) }))).toEqual(expected);
    const two = shape(W, H, { '00280004': 'YBR_FULL_422', '00280008': '2' });
    expect(await pixelsOf(dicomOf(JPEG, two, { fragments: encapsulated([jpeg, other]) }))).toEqual(expected);
    const second = 16 + jpeg.length + (jpeg.length % 2);
    expect(await pixelsOf(dicomOf(JPEG, two, { fragments: encapsulated([...pieces, other], [0, second]) }))).toEqual(
      expected,
    );
  });

  it('as JPEG of red, green and blue, which only the DICOM file says', async () => {
    const flat = Buffer.from(Array.from({ length: 64 }, () => [200, 40, 90]).flat());
    // An encoder told that the channels are luma and chroma leaves them as they are.
    const ycc = await sharp(flat, { raw: { width: 8, height: 8, channels: 3 } })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const plain = await pixelsOf(
      dicomOf(JPEG, shape(8, 8, { '00280004': 'YBR_FULL' }), { fragments: encapsulated([ycc]) }),
    );
    expect(Math.abs(plain[0]! - 200)).toBeLessThan(3);
    const raw = await pixelsOf(dicomOf(JPEG, shape(8, 8), { fragments: encapsulated([withoutJfif(ycc)]) }));
    // Y, Cb and Cr of the colour, unchanged.
    for (const [i, value] of [93.5, 126, 204].entries()) expect(Math.abs(raw[i]! - value)).toBeLessThan(3);
  });

  it.each([
    [
      'JPEG 2000',
      dicomOf('1.2.840.10008.1.2.4.90', shape(W, H), { fragments: encapsulated([RGB]) }),
      /1\.2\.840\.10008\.1\.2\.4\.90 \(JPEG 2000\)/,
    ],
    ['big-endian', dicomOf('1.2.840.10008.1.2.2', shape(W, H), RGB), /not read \(big-endian/],
    ['deflated', dicomOf('1.2.840.10008.1.2.1.99', shape(W, H), RGB), /deflated/],
    ['16 bits', dicomOf(EXPLICIT, shape(W, H, { '00280100': 16 }), Buffer.alloc(120)), /16 bits/],
    ['palette', dicomOf(EXPLICIT, shape(W, H, { '00280002': 1, '00280004': 'PALETTE COLOR' }), RGB), /PALETTE COLOR/],
    ['too few pixels', dicomOf(EXPLICIT, shape(W, H), RGB.subarray(0, 58)), /58 bytes instead of 60/],
    ['SVG as JPEG', dicomOf(JPEG, shape(W, H), { fragments: encapsulated([Buffer.from('<svg/>')]) }), /no JPEG/],
    [
      'short RLE',
      dicomOf(RLE, shape(W, H), { fragments: encapsulated([Buffer.concat([rle([RGB, RGB, RGB]).subarray(0, 70)])]) }),
      /ends too soon/,
    ],
    ['RLE of one channel', dicomOf(RLE, shape(W, H), { fragments: encapsulated([rle([RGB])]) }), /1 RLE segments/],
  ])('refuses %s', async (_, file, message) => {
    const error = await decodeImage(file).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DataError);
    expect(String(error)).toMatch(message);
  });

  it('refuses a JPEG of another size, and too large a picture', async () => {
    const jpeg = Buffer.from(await encodeJpeg({ width: W, height: H, data: RGB }));
    const file = dicomOf(JPEG, shape(W, 9), { fragments: encapsulated([jpeg]) });
    await expect(decodeImage(file)).rejects.toThrow(/5 × 9 pixels, got a JPEG of 5 × 4/);
    const large = dicomOf(EXPLICIT, shape(60000, 60000), RGB);
    await expect(decodeImage(large)).rejects.toMatchObject({ code: 'image/too-large' });
  });

  it('throws nothing but data errors at damaged bytes', async () => {
    const good = dicomOf(
      RLE,
      { ...shape(W, H), '00082218': [{ '00080104': 'Back' }] },
      { fragments: encapsulated([rle([RGB, RGB, RGB])]) },
      { openSequences: true },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 132, max: good.length - 1 }),
        fc.nat(255),
        fc.nat(good.length),
        async (at, value, cut) => {
          const file = Buffer.from(good.subarray(0, Math.max(cut, at + 1)));
          file[at] = value;
          try {
            await decodeImage(file, { maxPixels: 1e6 });
          } catch (error) {
            expect(error).toBeInstanceOf(DataError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** A JPEG without the segment that says its channels are luma and chroma. */
function withoutJfif(jpeg: Buffer): Buffer {
  if (jpeg.readUInt16BE(2) !== 0xffe0) return jpeg;
  return Buffer.concat([jpeg.subarray(0, 2), jpeg.subarray(4 + jpeg.readUInt16BE(4))]);
}

const patient = {
  '00100020': 'Hospital-17',
  '00100040': 'F',
  '00101010': '045Y',
  '00180015': 'CHEST',
  '00082218': [{ '00080100': '77477000', '00080104': 'Upper trunk' }],
};

describe('dicomFacts', () => {
  it.each([
    ['explicit', EXPLICIT, { explicit: true }],
    ['explicit, open sequences', EXPLICIT, { explicit: true, openSequences: true }],
    ['implicit', IMPLICIT, { explicit: false }],
    ['implicit, open sequences', IMPLICIT, { explicit: false, openSequences: true }],
  ])('finds age, sex and site, and hides who it is: %s', (_, syntax, options) => {
    const facts = dicomFacts(dicomOf(syntax, { ...shape(W, H), ...patient }, RGB, options), 'x');
    expect(facts).toEqual({
      age: '45',
      sex: 'female',
      site: 'upper trunk',
      patient: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(JSON.stringify(facts)).not.toContain('Hospital');
  });

  it.each([
    ['018M', '1.5'],
    ['052W', '1'],
    ['000Y', '0'],
    ['45', undefined],
    ['', undefined],
  ])('understands the age %s', (text, age) => {
    expect(dicomFacts(dicomOf(EXPLICIT, { ...shape(W, H), '00101010': text }, RGB), 'x').age).toBe(age);
  });

  it('becomes attributes and patients of a data set of class folders', async () => {
    const root = folderWith({
      'mel/a.dcm': dicomOf(EXPLICIT, { ...shape(W, H), ...patient }, RGB),
      'nv/b.dcm': dicomOf(IMPLICIT, { ...shape(W, H), ...patient, '00100040': 'M' }, RGB, { explicit: false }),
      'nv/c.dcm': 'no DICOM at all',
    });
    const data = await readDataset(root);
    const [a, b, c] = data.examples;
    expect(a?.attributes).toEqual({ age: '45', sex: 'female', localization: 'upper trunk' });
    expect([b?.attributes.sex, c?.attributes]).toEqual(['male', {}]);
    expect(a?.patientId).toBe(b?.patientId);
    writeFileSync(join(root, 'list.csv'), 'image,label,sex\nmel/a.dcm,mel,unknown\nnv/b.dcm,nv,\n');
    expect((await readDataset(root)).examples[0]?.attributes).toMatchObject({ sex: 'unknown', age: '45' });
  });
});
