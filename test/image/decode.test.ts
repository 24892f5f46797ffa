import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { encodeJpeg, encodePng } from '../../src/image/encode.ts';
import type { RgbImage } from '../../src/image/types.ts';

function noise(width: number, height: number): RgbImage {
  const rng = rngOf(1, 'noise');
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => rng.int(0, 255)) };
}

async function codeOf(source: string | Uint8Array, maxPixels?: number): Promise<string> {
  try {
    await decodeImage(source, maxPixels === undefined ? {} : { maxPixels });
    return 'decoded';
  } catch (error) {
    return error instanceof DataError ? error.code : `not a DataError: ${String(error)}`;
  }
}

/** A BMP with the rows from the bottom up, as they usually are, or from the top down. */
function bmp(image: RgbImage, bits: 24 | 32, topDown: boolean): Uint8Array {
  const step = bits / 8;
  const stride = Math.ceil((image.width * step) / 4) * 4;
  const file = Buffer.alloc(54 + stride * image.height);
  file.write('BM', 0, 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(image.width, 18);
  file.writeInt32LE(topDown ? -image.height : image.height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(bits, 28);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const to = 54 + stride * (topDown ? y : image.height - 1 - y) + x * step;
      for (let c = 0; c < 3; c++) file[to + c] = image.data[(y * image.width + x) * 3 + 2 - c]!;
    }
  }
  return file;
}

/** A PNG of a few hundred bytes that says it has any number of pixels. */
async function bomb(width: number, height: number): Promise<Uint8Array> {
  const { crc32 } = await import('node:zlib');
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length, 0);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('decodeImage', () => {
  it('gives back the pixels of every lossless format', async () => {
    const image = noise(13, 7);
    const raw = sharp(image.data, { raw: { width: 13, height: 7, channels: 3 } });
    const files = [
      await encodePng(image),
      await raw.clone().webp({ lossless: true }).toBuffer(),
      await raw.clone().tiff({ compression: 'lzw' }).toBuffer(),
      bmp(image, 24, false),
      bmp(image, 24, true),
      bmp(image, 32, false),
    ];
    for (const file of files) expect(await decodeImage(file)).toEqual(image);
  });

  it('reads JPEG nearly as it was', async () => {
    const image: RgbImage = { width: 16, height: 16, data: new Uint8Array(768).map((_, i) => [200, 120, 90][i % 3]!) };
    const { data } = await decodeImage(await encodeJpeg(image));
    expect(Math.max(...data.map((value, i) => Math.abs(value - image.data[i]!)))).toBeLessThanOrEqual(2);
  });

  it('turns a picture upright as EXIF says', async () => {
    const image = noise(5, 3);
    const lying = await sharp(image.data, { raw: { width: 5, height: 3, channels: 3 } })
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const upright = await decodeImage(lying);
    expect([upright.width, upright.height]).toEqual([3, 5]);
    // Orientation 6: a quarter turn clockwise brings the bottom left corner to the top left.
    expect([...upright.data.subarray(0, 3)]).toEqual([...image.data.subarray(2 * 5 * 3, 2 * 5 * 3 + 3)]);
  });

  it('makes grey, 16-bit and transparent pictures into 8-bit RGB', async () => {
    const grey = await sharp(Uint8Array.of(0, 100, 255, 7), { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect([...(await decodeImage(grey)).data]).toEqual([0, 0, 0, 100, 100, 100, 255, 255, 255, 7, 7, 7]);

    for (const space of ['rgb16', 'grey16'] as const) {
      const deep = await sharp(Uint8Array.of(10, 10, 10, 200, 200, 200), { raw: { width: 2, height: 1, channels: 3 } })
        .toColourspace(space)
        .png()
        .toBuffer();
      expect((await sharp(deep).metadata()).depth).toBe('ushort');
      const { data } = await decodeImage(deep);
      expect(data).toHaveLength(6);
      expect(Math.abs(data[0]! - 10)).toBeLessThanOrEqual(1);
      expect(Math.abs(data[3]! - 200)).toBeLessThanOrEqual(1);
    }

    const clear = await sharp(Uint8Array.of(9, 9, 9, 0, 50, 60, 70, 255), { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decodeImage(clear)).data]).toEqual([255, 255, 255, 50, 60, 70]);
  });

  it('refuses what is not one of the formats, whatever it is called', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    const gif = await sharp(noise(4, 4).data, { raw: { width: 4, height: 4, channels: 3 } })
      .gif()
      .toBuffer();
    for (const file of [svg, gif, Buffer.from('BMI of the patient: 24'), Buffer.from('%PDF-1.7')]) {
      expect(await codeOf(file)).toBe('image/format');
    }
    const folder = mkdtempSync(join(tmpdir(), 'nevus-decode-'));
    const path = join(folder, 'note.jpg');
    writeFileSync(path, 'not a picture');
    await expect(decodeImage(path)).rejects.toThrow(`${path}: expected JPEG, PNG, WebP, TIFF, BMP or DICOM, got text`);
    expect(await codeOf(join(folder, 'absent.jpg'))).toBe('image/unreadable');
    expect(await codeOf(folder)).toBe('image/unreadable');
  });

  it('refuses empty, damaged and truncated files', async () => {
    expect(await codeOf(new Uint8Array())).toBe('image/empty');
    const image = noise(64, 64);
    for (const file of [await encodeJpeg(image), await encodePng(image), bmp(image, 24, false)]) {
      expect(await codeOf(file)).toBe('decoded');
      for (const part of [0.3, 0.9]) {
        expect(await codeOf(file.subarray(0, Math.floor(file.length * part)))).toBe('image/unreadable');
      }
    }
    const damaged = Uint8Array.from(await encodePng(image));
    damaged.fill(0, 500, 600);
    expect(await codeOf(damaged)).toBe('image/unreadable');
  });

  it('refuses a bomb before decoding it', async () => {
    const start = performance.now();
    expect(await codeOf(await bomb(50_000, 50_000))).toBe('image/too-large');
    expect(performance.now() - start).toBeLessThan(1000);
    const wide = bmp(noise(2, 2), 24, false);
    new DataView(wide.buffer, wide.byteOffset).setInt32(18, 2_000_000_000, true);
    expect(await codeOf(wide)).toBe('image/too-large');
    expect(await codeOf(await encodePng(noise(11, 10)), 109)).toBe('image/too-large');
    expect(await codeOf(await encodePng(noise(11, 10)), 110)).toBe('decoded');
  });

  it('throws nothing but DataError, whatever the bytes', async () => {
    const seeds = [await encodePng(noise(8, 8)), await encodeJpeg(noise(8, 8)), bmp(noise(8, 8), 32, true)];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...seeds), fc.nat(), fc.nat(255), async (seed, at, value) => {
        const file = Uint8Array.from(seed);
        file[at % file.length] = value;
        expect(await codeOf(file, 1_000_000)).toMatch(/^(decoded|image\/[a-z-]+)$/);
      }),
      { numRuns: 150 },
    );
  });
});

describe('encodePng', () => {
  it('refuses data that is not height × width × 3', async () => {
    await expect(encodePng({ width: 2, height: 2, data: new Uint8Array(11) })).rejects.toThrow(/2 × 2 × 3/);
  });
});
