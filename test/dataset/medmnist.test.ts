import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import { numbersOf, readNpy } from '../../src/dataset/medmnist/npy.ts';
import { readDataset } from '../../src/dataset/read.ts';
import { decodeImage } from '../../src/image/decode.ts';
import { zipOf } from '../backbone/torch/zip-writer.ts';
import { folderWith } from './folder.ts';

/** An array as NumPy writes it. */
function npy(type: string, shape: readonly number[], data: Uint8Array, order = 'False', version = 1): Buffer {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': ${order}, 'shape': (${tuple}), }`;
  const start = version === 1 ? 10 : 12;
  const header = Buffer.from(`${text.padEnd(64 * Math.ceil((text.length + 1 + start) / 64) - start - 1)}\n`);
  const head = Buffer.alloc(start);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(header.length, 8);
  else head.writeUInt32LE(header.length, 8);
  return Buffer.concat([head, header, data]);
}

const pixels = (count: number, channels: number): Uint8Array =>
  Uint8Array.from({ length: count * 4 * channels }, (_, i) => (i * 37) % 256);

function arrays(channels = 3, change: Readonly<Record<string, Buffer>> = {}): Record<string, Buffer> {
  const shape = (n: number): number[] => (channels === 1 ? [n, 2, 2] : [n, 2, 2, channels]);
  return {
    'train_images.npy': npy('|u1', shape(3), pixels(3, channels)),
    'train_labels.npy': npy('|u1', [3, 1], Uint8Array.of(0, 5, 4)),
    'val_images.npy': npy('|u1', shape(1), pixels(1, channels)),
    'val_labels.npy': npy('|u1', [1, 1], Uint8Array.of(5)),
    'test_images.npy': npy('|u1', shape(1), pixels(1, channels)),
    'test_labels.npy': npy('|u1', [1, 1], Uint8Array.of(6)),
    ...change,
  };
}

describe('readNpy', () => {
  it('reads whole numbers of every size, in all versions', () => {
    const signed = Buffer.alloc(16);
    signed.writeBigInt64LE(-3n, 0);
    signed.writeBigInt64LE(9n, 8);
    expect(numbersOf(readNpy(npy('<i8', [2], signed, 'False', 2), 'x'))).toEqual([-3, 9]);
    expect(numbersOf(readNpy(npy('<u2', [1, 2], Buffer.from([1, 1, 0, 255])), 'x'))).toEqual([257, 65280]);
    expect(readNpy(npy('|u1', [2, 3], Buffer.alloc(6), 'False', 3), 'x').shape).toEqual([2, 3]);
  });

  it.each([
    [npy('<f4', [1], Buffer.alloc(4)), /type "<f4"/],
    [npy('|u1', [2], Buffer.alloc(2), 'True'), /column order/],
    [npy('|u1', [3], Buffer.alloc(2)), /2 bytes for the shape \(3\)/],
    [npy('|u1', [2], Buffer.alloc(2)).subarray(0, 30), /cut short/],
    [Buffer.from('hello, this is no array'), /another file/],
  ])('refuses another kind %#', (file, message) => {
    expect(() => readNpy(file, 'x')).toThrow(message);
  });

  it('throws nothing but data errors at damaged bytes', () => {
    const good = npy('|u1', [2, 2], Buffer.alloc(4));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
        const file = Buffer.from(good.subarray(0, Math.max(length, at + 1)));
        file[at] = value;
        try {
          readNpy(file, 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(DataError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('DermaMNIST', () => {
  const cache = folderWith();
  beforeEach(() => void vi.stubEnv('NEVUS_CACHE', cache));
  afterEach(() => void vi.unstubAllEnvs());

  it.each([false, true])(
    'becomes pictures with the codes of HAM10000, in its own splits; deflated: %s',
    async (deflated) => {
      const root = folderWith({ 'dermamnist.npz': zipOf(arrays(), deflated) });
      const data = await readDataset(root);
      expect(data).toMatchObject({ format: 'medmnist', labels: ['akiec', 'mel', 'nv', 'vasc'], problems: [] });
      expect(data.taxonomy?.positiveLabels).toEqual(['akiec', 'mel']);
      expect(data.examples.map(({ id, label, split }) => [id, label, split])).toEqual([
        ['train/00000', 'akiec', 'train'],
        ['train/00001', 'nv', 'train'],
        ['train/00002', 'mel', 'train'],
        ['val/00000', 'nv', 'val'],
        ['test/00000', 'vasc', 'test'],
      ]);
      const picture = await decodeImage(data.examples[1]?.path ?? '');
      expect([picture.width, picture.height, [...picture.data]]).toEqual([2, 2, [...pixels(3, 3).subarray(12, 24)]]);
    },
  );

  it('is extracted once, and anew if that was broken off', async () => {
    const path = join(folderWith({ 'dermamnist_64.npz': zipOf(arrays(1)) }), 'dermamnist_64.npz');
    const { root, examples } = await readDataset(path);
    const first = examples[0]?.path ?? '';
    const { mtimeMs } = statSync(first);
    await readDataset(path);
    expect(statSync(first).mtimeMs).toBe(mtimeMs);
    rmSync(join(root, 'complete'));
    writeFileSync(first, 'half');
    await readDataset(path);
    expect((await decodeImage(first)).data[1]).toBe(0);
    expect(existsSync(join(root, 'lock'))).toBe(false);
    expect(readdirSync(root).sort()).toEqual(['complete', 'test', 'train', 'val']);
  });

  it.each([
    [{ 'train_labels.npy': npy('|u1', [3, 1], Uint8Array.of(0, 7, 4)) }, /train_labels, row 1: expected 0 to 6, got 7/],
    [{ 'train_labels.npy': npy('|u1', [3, 2], Buffer.alloc(6)) }, /one label an image, got 2/],
    [{ 'train_labels.npy': npy('|u1', [2, 1], Uint8Array.of(0, 1)) }, /2 labels for 3 images of train/],
    [{ 'train_images.npy': npy('<u2', [3, 2, 2, 3], Buffer.alloc(72)) }, /train_images: expected bytes/],
    [{ 'train_images.npy': npy('|u1', [3, 2, 2, 4], Buffer.alloc(48)) }, /\[3, 2, 2, 4\]/],
  ])('names what does not fit %#', async (change, message) => {
    await expect(readDataset(folderWith({ 'dermamnist.npz': zipOf(arrays(3, change)) }))).rejects.toThrow(message);
  });

  it('refuses other archives', async () => {
    const of = (content: Uint8Array): string => join(folderWith({ 'x.npz': content }), 'x.npz');
    await expect(readDataset(of(zipOf({ 'a.npy': npy('|u1', [1], Buffer.alloc(1)) })))).rejects.toThrow(/got a.npy/);
    await expect(readDataset(of(Buffer.from('nothing')))).rejects.toThrow(/cut short/);
    const whole = zipOf(arrays(), true);
    whole.fill(255, 60, 120);
    await expect(readDataset(of(whole))).rejects.toThrow(/npz|npy|zip archive/);
  });
});
