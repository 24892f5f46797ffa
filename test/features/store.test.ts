import { appendFileSync, existsSync, mkdtempSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError, EnvironmentError } from '../../src/core/errors.ts';
import { type FeatureStore, openStore } from '../../src/features/store.ts';

const RECORD = 12;
const KEY = 32;
const newFolder = (): string => join(mkdtempSync(join(tmpdir(), 'nevus-store-')), 'store');
const record = (seed: number): Uint8Array => Uint8Array.from({ length: RECORD }, (_, i) => (seed * 31 + i * 7) % 256);

function read(store: FeatureStore, key: string): Uint8Array | undefined {
  const place = store.find(key);
  if (place === undefined) return undefined;
  const into = new Uint8Array(RECORD);
  store.read(place, into);
  return into;
}

/** Fails unless exactly the first `whole` of the records 0, 1, … are there, each with its own bytes. */
function expectFirst(folder: string, whole: number, written: number): void {
  const store = openStore(folder, RECORD);
  expect(store.size).toBe(whole);
  for (let i = 0; i < written; i++) expect(read(store, `key ${i}`)).toEqual(i < whole ? record(i) : undefined);
  // It goes on as if nothing had happened.
  for (let i = whole; i < written + 2; i++) expect(store.append(`key ${i}`, record(i))).toBe(i);
  for (let i = 0; i < written + 2; i++) expect(read(store, `key ${i}`)).toEqual(record(i));
  store.close();
}

function filled(count: number): string {
  const folder = newFolder();
  const store = openStore(folder, RECORD);
  for (let i = 0; i < count; i++) store.append(`key ${i}`, record(i));
  store.close();
  return folder;
}

describe('feature store', () => {
  it('finds what was appended, also when opened again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ maxLength: 6 }), fc.nat(250), fc.boolean()), { maxLength: 30 }),
        (steps) => {
          const folder = newFolder();
          let store = openStore(folder, RECORD);
          const model = new Map<string, Uint8Array>();
          for (const [key, seed, reopen] of steps) {
            const known = store.find(key);
            const place = store.append(key, record(seed));
            if (known !== undefined) expect(place).toBe(known);
            // A key that is there keeps its record.
            if (!model.has(key)) model.set(key, record(seed));
            if (reopen) {
              store.close();
              store = openStore(folder, RECORD);
            }
          }
          expect(store.size).toBe(model.size);
          for (const [key, bytes] of model) expect(read(store, key)).toEqual(bytes);
          expect(store.find('never appended')).toBeUndefined();
          store.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it('after a crash at any byte of the last record, the records before it are there', () => {
    // The record is written first, its key after it.
    for (let bytes = 0; bytes < RECORD + KEY; bytes++) {
      const folder = filled(3);
      const [records, index] = [join(folder, 'features.bin'), join(folder, 'index.bin')];
      const [allRecords, allKeys] = [readFileSync(records), readFileSync(index)];
      writeFileSync(records, allRecords.subarray(0, 2 * RECORD + Math.min(bytes, RECORD)));
      writeFileSync(index, allKeys.subarray(0, 2 * KEY + Math.max(0, bytes - RECORD)));
      expectFirst(folder, 2, 3);
    }
  });

  it('keys without records, and records without keys, do not count', () => {
    const shortRecords = filled(4);
    truncateSync(join(shortRecords, 'features.bin'), 2 * RECORD + 5);
    expectFirst(shortRecords, 2, 4);
    const shortIndex = filled(4);
    truncateSync(join(shortIndex, 'index.bin'), KEY + 1);
    expectFirst(shortIndex, 1, 4);
    const longer = filled(2);
    appendFileSync(join(longer, 'features.bin'), new Uint8Array(5 * RECORD + 3));
    expectFirst(longer, 2, 2);
  });

  it('a file cut short while it is open is an error, not zeros', () => {
    const folder = filled(3);
    const store = openStore(folder, RECORD);
    truncateSync(join(folder, 'features.bin'), 2 * RECORD + 4);
    expect(() => read(store, 'key 2')).toThrow(DataError);
    expect(read(store, 'key 1')).toEqual(record(1));
    store.close();
  });

  it('a folder that is a file is refused', () => {
    const folder = filled(1);
    expect(() => openStore(join(folder, 'index.bin'), RECORD)).toThrow(EnvironmentError);
    expect(existsSync(folder)).toBe(true);
  });

  it('a record of another size is refused, and nothing of it stays', () => {
    const folder = filled(1);
    const store = openStore(folder, RECORD);
    expect(() => store.append('short', new Uint8Array(RECORD - 1))).toThrow();
    expect(store.find('short')).toBeUndefined();
    store.append('key 1', record(1));
    store.close();
    expect(statSync(join(folder, 'features.bin')).size).toBe(2 * RECORD);
    expectFirst(folder, 2, 2);
  });
});
