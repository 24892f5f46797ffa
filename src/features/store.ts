import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { DataError, ShapeError } from '../core/errors.ts';
import { diskError, makeFolder, writeAll } from '../core/files.ts';
import { sha256 } from '../core/hash.ts';

/** Bytes of one entry of the index: a SHA-256. */
const KEY_BYTES = 32;

/**
 * Records of one fixed size on disk, found by key, only ever appended. Two files: `features.bin` holds the records one
 * after another, `index.bin` their keys in the same order. A record counts when both are whole, and its bytes are
 * written before its key, so that a crash loses at most the record being written.
 */
export interface FeatureStore {
  readonly recordBytes: number;
  /** Records held. */
  readonly size: number;
  /** Place of a record, or undefined if it is not here. */
  find(key: string): number | undefined;
  /** Reads the record at a place into a buffer of `recordBytes`. @throws {DataError} if the file was cut short since */
  read(place: number, into: Uint8Array): void;
  /**
   * Appends a record and returns its place; a key that is here already keeps its record.
   *
   * @throws {ShapeError} a record of another size
   * @throws {EnvironmentError} no space
   */
  append(key: string, record: Uint8Array): number;
  close(): void;
}

/**
 * Opens or starts the store in a folder. One process at a time writes to it: `lockFolder` before appending.
 *
 * @param folder made if missing
 * @param recordBytes size of every record
 * @throws {EnvironmentError} no space or no permission
 */
export function openStore(folder: string, recordBytes: number): FeatureStore {
  let records: number;
  let index: number;
  try {
    makeFolder(folder);
    records = openSync(join(folder, 'features.bin'), 'a+');
    index = openSync(join(folder, 'index.bin'), 'a+');
  } catch (error) {
    throw diskError(folder, error);
  }
  const places = new Map<string, number>();
  const whole = Math.min(
    Math.floor(fstatSync(records).size / recordBytes),
    Math.floor(fstatSync(index).size / KEY_BYTES),
  );
  // What a crash left half written is cut off, so that the next record starts where its place says.
  ftruncateSync(records, whole * recordBytes);
  ftruncateSync(index, whole * KEY_BYTES);
  const keys = new Uint8Array(whole * KEY_BYTES);
  readAll(index, keys, 0, folder);
  for (let i = 0; i < whole; i++) places.set(Buffer.from(keys.buffer, i * KEY_BYTES, KEY_BYTES).toString('hex'), i);
  let size = whole;

  const idOf = (key: string): string => sha256(key);
  return {
    recordBytes,
    get size() {
      return size;
    },
    find: (key) => places.get(idOf(key)),
    read: (place, into) => readAll(records, into.subarray(0, recordBytes), place * recordBytes, folder),
    append: (key, record) => {
      const id = idOf(key);
      const known = places.get(id);
      if (known !== undefined) return known;
      if (record.byteLength !== recordBytes) {
        throw new ShapeError(
          'features/record',
          `${folder}: expected a record of ${recordBytes} bytes, got ${record.byteLength}`,
        );
      }
      try {
        writeAll(records, record);
        writeAll(index, Buffer.from(id, 'hex'));
      } catch (error) {
        ftruncateSync(records, size * recordBytes);
        ftruncateSync(index, size * KEY_BYTES);
        throw diskError(folder, error);
      }
      places.set(id, size);
      return size++;
    },
    close: () => {
      closeSync(records);
      closeSync(index);
    },
  };
}

function readAll(file: number, into: Uint8Array, position: number, folder: string): void {
  let done = 0;
  while (done < into.byteLength) {
    const got = readSync(file, into, done, into.byteLength - done, position + done);
    if (got === 0) {
      throw new DataError(
        'features/short',
        `${folder}: expected ${into.byteLength} bytes at ${position}, got ${done}`,
        'Delete the folder; the features are made again.',
      );
    }
    done += got;
  }
}
