import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DataError, messageOf } from '../../core/errors.ts';
import { cacheFolder, diskError, makeFolder, writeFileAtomic } from '../../core/files.ts';
import { sha256 } from '../../core/hash.ts';
import { lockFolder } from '../../core/lock.ts';
import { readZip, type Zip } from '../../core/zip.ts';
import { encodePng } from '../../image/encode.ts';
import type { Reading } from '../assemble.ts';
import { SPLITS, type Split } from '../types.ts';
import { type NpyArray, numbersOf, readNpy } from './npy.ts';

/** Classes of DermaMNIST in the order of their numbers, by the codes of HAM10000, whose images they are. */
const DERMA = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];
const AT_ONCE = 64;

/**
 * Reads DermaMNIST (or another data set of the MedMNIST kind with one label an image): `train_images`, `train_labels`,
 * `val_…`, `test_…` in an `.npz`. The images become PNG files in the cache folder, once for each file's hash, and are then read
 * like any others; the three parts are the split. Their ids are `train/00000`, … Labels of other data sets are their numbers.
 *
 * What is not in the file: which images of DermaMNIST show one lesion. Its parts share lesions.
 *
 * @throws {DataError} `data/npz`, `data/npy`
 * @see Yang et al. 2023, doi:10.1038/s41597-022-01721-8
 */
export async function readMedMnist(path: string): Promise<Reading> {
  const name = basename(path);
  const bad = (got: string): DataError =>
    new DataError('data/npz', `${path}: expected arrays of MedMNIST, got ${got}`, 'Download the file again.');
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    throw new DataError('data/npz', `${path}: expected a file that can be read: ${messageOf(error)}`, undefined, {
      cause: error,
    });
  }
  const zip = readZip(file, 'deflated', (got) => bad(`a zip archive that cannot be read: ${got}`));
  const root = join(cacheFolder(), 'extracted', sha256(file).slice(0, 16));
  const parts = SPLITS.filter((split) => zip.names.includes(`${split}_images.npy`));
  if (parts.length === 0) throw bad(zip.names.join(', ') || 'none');
  const names = /derma/i.test(name) ? DERMA : undefined;
  const labels = new Map(parts.map((split) => [split, labelsOf(zip, split, names, name)]));
  const done = join(root, 'complete');
  if (!existsSync(done)) {
    const unlock = lockFolder(root, 'cache of extracted images');
    try {
      for (const split of parts) await extract(arrayOf(zip, `${split}_images`, name), root, split, name);
      writeFileAtomic(done, '');
    } catch (error) {
      throw diskError(root, error);
    } finally {
      unlock();
    }
  }
  const examples = parts.flatMap((split) => {
    const list = labels.get(split) ?? [];
    const count = countOf(zip, split, name);
    if (list.length !== count) throw bad(`${list.length} labels for ${count} images of ${split}`);
    return list.map((label, i) => ({
      id: `${split}/${numbered(i)}`,
      path: fileOf(root, split, i),
      label,
      split,
      attributes: {},
    }));
  });
  return { root, format: 'medmnist', examples, problems: [] };
}

function arrayOf(zip: Zip, name: string, where: string): NpyArray {
  const entry = zip.read(`${name}.npy`);
  if (entry === undefined) throw new DataError('data/npz', `${where}: expected the array ${name}, got none`);
  return readNpy(entry, `${where}: ${name}`);
}

function labelsOf(zip: Zip, split: Split, names: readonly string[] | undefined, where: string): string[] {
  const array = arrayOf(zip, `${split}_labels`, where);
  if (array.shape.slice(1).some((length) => length !== 1))
    throw new DataError('data/npz', `${where}: ${split}_labels: expected one label an image, got ${array.shape[1]}`);
  return numbersOf(array).map((number, row) => {
    const label = names === undefined ? String(number) : names[number];
    if (label !== undefined) return label;
    throw new DataError(
      'data/npz',
      `${where}: ${split}_labels, row ${row}: expected 0 to ${(names?.length ?? 1) - 1}, got ${number}`,
    );
  });
}

function countOf(zip: Zip, split: Split, where: string): number {
  return arrayOf(zip, `${split}_images`, where).shape[0] ?? 0;
}

async function extract(array: NpyArray, root: string, split: Split, where: string): Promise<void> {
  const { type, shape, data } = array;
  const [count = 0, height = 0, width = 0, channels = 1] = shape;
  if (type !== '|u1' || shape.length < 3 || shape.length > 4 || (channels !== 1 && channels !== 3))
    throw new DataError(
      'data/npz',
      `${where}: ${split}_images: expected bytes [N, H, W] or [N, H, W, 3], got ${type} [${shape.join(', ')}]`,
    );
  const bytes = height * width * channels;
  makeFolder(join(root, split));
  for (let first = 0; first < count; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - first) }, async (_, k) => {
      const pixels = data.subarray((first + k) * bytes, (first + k + 1) * bytes);
      const rgb =
        channels === 3 ? pixels : Uint8Array.from({ length: 3 * bytes }, (_v, i) => pixels[Math.floor(i / 3)]!);
      // Not flushed one by one: only the mark that all are there says that they count.
      await writeFile(fileOf(root, split, first + k), await encodePng({ width, height, data: rgb }));
    });
    await Promise.all(some);
  }
}

const numbered = (i: number): string => String(i).padStart(5, '0');
const fileOf = (root: string, split: Split, i: number): string => join(root, split, `${numbered(i)}.png`);
