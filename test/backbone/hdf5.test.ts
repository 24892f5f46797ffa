import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { withHdf5 } from '../../src/backbone/importers/hdf5/file.ts';
import { readStored, type StoredModel } from '../../src/backbone/importers/keras/stored.ts';
import { ModelError, NevusError, UsageError } from '../../src/core/errors.ts';

const GOLDEN = fileURLToPath(new URL('../golden/keras_h5/', import.meta.url));
const WEIGHTS = join(GOLDEN, 'weights.h5');

const folder = mkdtempSync(join(tmpdir(), 'nevus-hdf5-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file of the given bytes. */
function written(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Every layer and weight, read. */
const readAll = (path: string): Promise<Record<string, number[]>> =>
  withHdf5(path, (file) => {
    const { layers } = readStored(file, path);
    const readable = layers.filter((layer) => layer.name !== 'half');
    return Object.fromEntries(
      readable.flatMap(({ name, weights }) => weights.map((w) => [`${name}|${w.name}`, Array.from(w.read())] as const)),
    );
  });

const range = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i));

describe('reads', () => {
  it('numbers of every type, compressed or not, by lists split over attributes', async () => {
    const quarters = range(6, (i) => i / 4);
    const centred = range(6, (i) => i - 3);
    expect(await readAll(WEIGHTS)).toEqual({
      'plain|plain/kernel:0': range(54, (i) => i / 8),
      'zipped|zipped/kernel:0': range(2000, (i) => i % 7),
      'zipped|zipped/bias:0': range(50, (i) => i),
      'double|double/kernel:0': quarters,
      'big_endian|big_endian/kernel:0': quarters,
      'whole|whole/kernel:0': centred,
      'long|long/kernel:0': centred,
      'block/with/slashes|oddly_named_1': range(4, (i) => i),
      'block/with/slashes|block/b': [0, 1],
    });
  });

  it('shapes without reading, layers without weights, and none where there is none', async () => {
    await withHdf5(WEIGHTS, (file) => {
      const { layers, network } = readStored(file, WEIGHTS);
      expect(layers[0]).toEqual({ name: 'input_1', weights: [], nested: false });
      expect(layers[1]?.weights[0]?.dims).toEqual([3, 3, 2, 3]);
      expect(network).toBeUndefined();
      expect(file.dataset('plain/plain')).toBeUndefined();
      expect(file.dataset('plain/nothing/at/all')).toBeUndefined();
      expect(file.dataset('plain/plain/kernel:0/deeper')).toBeUndefined();
      expect(file.hasGroup('plain')).toBe(true);
      expect(file.hasGroup('plain/plain/kernel:0')).toBe(false);
      expect(file.strings('/', 'nothing')).toBeUndefined();
      expect(file.strings('/', 'backend')).toEqual(['tensorflow']);
    });
  });

  it('the layers of a network that is a layer, and the whole in JSON', async () => {
    const path = join(GOLDEN, 'model.h5');
    const { layers, network } = await withHdf5(path, (file): StoredModel => readStored(file, path));
    expect(layers.map(({ name, weights, nested }) => [name, weights.length, nested])).toEqual([
      ['image', 0, false],
      ['stem', 2, false],
      ['bn', 4, true],
      ['point', 2, true],
      ['deep', 1, true],
      ['mean', 0, false],
      ['classes', 2, false],
    ]);
    expect(network).toMatchObject({ class_name: 'Functional' });
  });
});

describe('refuses', () => {
  const printed: string[] = [];
  beforeAll(() => {
    for (const method of ['log', 'warn', 'error'] as const)
      vi.spyOn(console, method).mockImplementation((...args) => void printed.push(args.join(' ')));
  });
  afterAll(() => {
    vi.restoreAllMocks();
  });

  const bytes = readFileSync(WEIGHTS);
  it.each<[string, () => string, typeof NevusError, string]>([
    ['no file', () => join(folder, 'nowhere.h5'), UsageError, 'nowhere.h5: cannot be read: ENOENT'],
    ['a folder', () => folder, UsageError, 'cannot be read: EISDIR'],
    ['an empty file', () => written('empty.h5', ''), ModelError, 'expected an HDF5 file, got an empty file'],
    ['a web page', () => written('page.h5', '<html>404'), ModelError, 'got a file that begins with "<html>40"'],
    ['a file of Keras 3', () => written('new.keras', 'PK\x03\x04'), ModelError, 'got a zip archive'],
    [
      'a file cut short',
      () => written('short.h5', bytes.subarray(0, bytes.length - 5000)),
      ModelError,
      `expected ${bytes.length} bytes, got ${bytes.length - 5000}: the file is cut short`,
    ],
    [
      'a signature alone',
      () => written('signature.h5', bytes.subarray(0, 8)),
      ModelError,
      'expected an HDF5 file that can be read',
    ],
  ])('%s', async (_, make, type, message) => {
    const path = make();
    await expect(readAll(path)).rejects.toThrow(type);
    await expect(readAll(path)).rejects.toThrow(message);
    expect(printed).toEqual([]);
  });

  it('numbers of 16 bits, which the library does not know', async () => {
    const read = withHdf5(WEIGHTS, (file) => file.dataset('half/half/kernel:0')?.read());
    await expect(read).rejects.toThrow(
      'half/half/kernel:0: expected numbers of 32 or 64 bits, or whole ones, got numbers of 16 bits',
    );
  });

  it('damage anywhere, without ending the process', async () => {
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
        async (changes) => {
          const damaged = Buffer.from(bytes);
          for (const [at, value] of changes) damaged[at] = value;
          const path = written(`damaged-${n++}.h5`, damaged);
          // What is left may be readable: then nothing is wrong.
          await readAll(path).catch((error: unknown) => expect(error).toBeInstanceOf(NevusError));
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });
});
