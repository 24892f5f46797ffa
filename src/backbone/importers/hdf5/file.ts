/** HDF5 files, read by the HDF5 library compiled to WebAssembly. Nothing else here knows that library. */
import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Dataset, File, Group } from 'h5wasm/node';
import { ModelError, messageOf, NevusError, systemCode, UsageError } from '../../../core/errors.ts';

/** An open file. Paths are those inside it, such as `model_weights/conv1`; the root is `/`. */
export interface Hdf5File {
  readonly hasGroup: (path: string) => boolean;
  /** A list of strings, or one string, kept as an attribute of a group; undefined where there is none. */
  readonly strings: (group: string, attribute: string) => readonly string[] | undefined;
  /** Undefined where there is none. */
  readonly dataset: (path: string) => Hdf5Dataset | undefined;
}

/** Numbers in row-major order, read when asked for. */
export interface Hdf5Dataset {
  readonly dims: readonly number[];
  /** Every value, whatever type of number is stored, compressed or not. */
  readonly read: () => Float32Array<ArrayBuffer>;
}

/**
 * Opens a file, hands it over, and closes it whatever happens. Links to other files are not followed.
 *
 * @param use what is done with the open file; nothing of it may be kept
 * @returns what `use` returns
 * @throws {UsageError} no file that can be read
 * @throws {ModelError} a file that is not HDF5, is cut short or damaged
 */
export async function withHdf5<T>(path: string, use: (file: Hdf5File) => T): Promise<T> {
  checkSignature(path);
  // Loaded only when needed: it takes a tenth of a second.
  const library = await import('h5wasm/node');
  const module = await library.ready;
  // Otherwise the library prints its errors and goes on.
  module.activate_throwing_error_handler();
  const file = guarded(path, () => new library.File(resolve(path), 'r'));
  try {
    return use(reader(file, library, path));
  } finally {
    guarded(path, () => file.close());
  }
}

type Library = typeof import('h5wasm/node');

function reader(file: File, { Dataset, Group }: Library, where: string): Hdf5File {
  const find = (path: string): Group | Dataset | undefined =>
    guarded(where, () => {
      // Asked for step by step: the library takes a missing group on the way for an error.
      let at: Group = file;
      const steps = path.split('/').filter((step) => step !== '');
      for (const [i, step] of steps.entries()) {
        const next = at.keys().includes(step) ? at.get(step) : null;
        if (next instanceof Dataset) return i === steps.length - 1 ? next : undefined;
        if (!(next instanceof Group)) return undefined;
        at = next;
      }
      return at;
    });
  return {
    hasGroup: (path) => find(path) instanceof Group,
    strings: (group, attribute) =>
      guarded(where, () => {
        const found = find(group);
        // Asked for by name only, so that no other attribute is read.
        const known = found === undefined ? [] : Object.keys(found.attrs);
        const value: unknown = known.includes(attribute) ? found?.get_attribute(attribute, false) : undefined;
        if (value === undefined) return undefined;
        // An empty list has no type of string any more.
        const list: unknown[] = Array.isArray(value) ? value : ArrayBuffer.isView(value) ? [] : [value];
        return list.map(String);
      }),
    dataset: (path) => {
      const found = find(path);
      if (!(found instanceof Dataset)) return undefined;
      const dims = guarded(where, () => found.shape ?? []);
      return { dims, read: () => numbers(found, dims, `${where}: ${path.replace(/^\/+/, '')}`) };
    },
  };
}

/** Types that can be read, by the letters of Python's struct. */
const NUMBERS = /^[<>|]?[fdbBhHiIqQ]$/;
const NAMES = new Map([
  ['e', 'numbers of 16 bits'],
  ['S', 'text'],
]);

function numbers(dataset: Dataset, dims: readonly number[], where: string): Float32Array<ArrayBuffer> {
  const type: unknown = guarded(where, () => dataset.dtype);
  if (typeof type !== 'string' || !NUMBERS.test(type))
    throw new ModelError(
      'hdf5/numbers',
      `${where}: expected numbers of 32 or 64 bits, or whole ones, got ${typeof type === 'string' ? (NAMES.get(type.slice(-1)) ?? 'another type') : 'a structure'}`,
      'Save the weights as float32.',
    );
  const value: unknown = guarded(where, () => dataset.value);
  const size = dims.reduce((product, d) => product * d, 1);
  if (value instanceof Float32Array && value.length === size) return new Float32Array(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const data = Float32Array.from(elements(value), Number);
    if (data.length === size) return data;
  }
  if (typeof value === 'number' && size === 1) return Float32Array.of(value);
  throw new ModelError('hdf5/numbers', `${where}: expected ${size} numbers, got something else`);
}

/** The values of any typed array. */
function elements(view: ArrayBufferView): Iterable<number | bigint> {
  if (view instanceof Float64Array || view instanceof Int32Array || view instanceof Uint32Array) return view;
  if (view instanceof Int16Array || view instanceof Uint16Array || view instanceof Int8Array) return view;
  if (view instanceof Uint8Array || view instanceof BigInt64Array || view instanceof BigUint64Array) return view;
  return [];
}

const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

/** The library's own message for a file of another kind is of no help. */
function checkSignature(path: string): void {
  const head = firstBytes(path, SIGNATURE.length);
  if (head.equals(SIGNATURE)) return;
  const zip = head.subarray(0, 2).toString('latin1') === 'PK';
  const got = head.length === 0 ? 'an empty file' : zip ? 'a zip archive' : `a file that begins with ${shown(head)}`;
  throw new ModelError(
    'hdf5/signature',
    `${path}: expected an HDF5 file, got ${got}`,
    zip
      ? 'Files of Keras 3 (.keras) are zip archives: save the weights again with model.save_weights("weights.h5") of Keras 2 (tf_keras).'
      : 'Download it again; what was saved may be a page that says why it could not be had.',
  );
}

const shown = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1'));

function firstBytes(path: string, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  try {
    const file = openSync(path, 'r');
    try {
      return bytes.subarray(0, readSync(file, bytes, 0, count, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new UsageError(
      'hdf5/read',
      `${path}: cannot be read: ${systemCode(error) ?? messageOf(error)}`,
      'Give the path of an HDF5 file (.h5).',
      { cause: error },
    );
  }
}

/** Runs a call of the library, whose errors are traces of C. */
function guarded<T>(where: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof NevusError) throw error;
    const text = messageOf(error);
    const [, got, expected] = /truncated file: eof = (\d+),.*stored_eof = (\d+)/.exec(text) ?? [];
    if (expected !== undefined)
      throw new ModelError(
        'hdf5/truncated',
        `${where}: expected ${expected} bytes, got ${got}: the file is cut short`,
        'Download it again.',
        { cause: error },
      );
    // The innermost line of the trace says most.
    const reason = [...text.matchAll(/#\d+: \S+ line \d+ in [^:]+: (.+)/g)].at(-1)?.[1] ?? text.split('\n')[0];
    throw new ModelError(
      'hdf5/damaged',
      `${where}: expected an HDF5 file that can be read, got one with ${reason}`,
      'Download it again: it is damaged.',
      { cause: error },
    );
  }
}
