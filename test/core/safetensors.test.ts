import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import { type FloatTensor, parseSafetensors, readSafetensors, writeSafetensors } from '../../src/core/safetensors.ts';

const folder = mkdtempSync(join(tmpdir(), 'nevus-safetensors-'));
const path = join(folder, 'weights.safetensors');

const tensor = fc.array(fc.nat(4), { maxLength: 4 }).chain((dims) => {
  const size = dims.reduce((a, b) => a * b, 1);
  return fc
    .array(fc.float(), { minLength: size, maxLength: size })
    .map((values): FloatTensor => ({ dims, data: Float32Array.from(values) }));
});
const named = fc
  .dictionary(fc.string({ maxLength: 12 }), tensor, { maxKeys: 6 })
  .map((all) => new Map(Object.entries(all).filter(([name]) => name !== '__metadata__')));

describe('safetensors', () => {
  it('come back as they were, bit by bit, with their text', () => {
    fc.assert(
      fc.property(named, fc.dictionary(fc.string(), fc.string()), (tensors, metadata) => {
        writeSafetensors(path, tensors, metadata);
        const read = readSafetensors(path);
        expect(new Set(read.tensors.keys())).toEqual(new Set(tensors.keys()));
        for (const [name, { dims, data }] of tensors) {
          const got = read.tensors.get(name)!;
          expect(got.dims).toEqual(dims);
          expect(Buffer.from(got.data.buffer)).toEqual(Buffer.from(data.buffer));
        }
        expect(Object.entries(read.metadata).toSorted()).toEqual(Object.entries(metadata).toSorted());
      }),
      { numRuns: 60 },
    );
  });

  it('names that objects treat in their own way are names like others', () => {
    const names = ['2', '1', '__proto__', 'constructor', 'ä/β'];
    const tensors = new Map(names.map((name, i) => [name, { dims: [2], data: Float32Array.of(i, -i) }]));
    writeSafetensors(path, tensors, { note: '“µ”' });
    const read = readSafetensors(path);
    for (const [name, { data }] of tensors) expect(read.tensors.get(name)?.data).toEqual(data);
    expect(read.metadata.note).toBe('“µ”');
  });

  it('views into a larger buffer are written as what they show', () => {
    const all = Float32Array.of(1, 2, 3, 4);
    writeSafetensors(path, new Map([['part', { dims: [2], data: all.subarray(1, 3) }]]), {});
    expect(readSafetensors(path).tensors.get('part')!.data).toEqual(Float32Array.of(2, 3));
  });

  it('follow the format: length, header, data from a multiple of 8', () => {
    writeSafetensors(path, new Map([['a', { dims: [3], data: Float32Array.of(1, 2, 3) }]]), { k: 'v' });
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE(0));
    expect((8 + length) % 8).toBe(0);
    expect(JSON.parse(bytes.toString('utf8', 8, 8 + length))).toEqual({
      __metadata__: { k: 'v' },
      a: { dtype: 'F32', shape: [3], data_offsets: [0, 12] },
    });
    expect(bytes.length).toBe(8 + length + 12);
    expect(bytes.readFloatLE(8 + length + 8)).toBe(3);
  });

  const fileWith = (header: unknown, data = Buffer.alloc(0)): void => {
    const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(path, Buffer.concat([length, text, data]));
  };

  it('cut short anywhere, they are refused', () => {
    const tensors = new Map([
      ['a', { dims: [2], data: Float32Array.of(1, 2) }],
      ['b', { dims: [1, 3], data: Float32Array.of(3, 4, 5) }],
    ]);
    writeSafetensors(path, tensors, { k: 'v' });
    const whole = readFileSync(path);
    for (let end = 0; end < whole.length; end++) {
      writeFileSync(path, whole.subarray(0, end));
      expect(() => readSafetensors(path)).toThrow(DataError);
    }
  });

  it.each([
    ['no JSON', '{', 0],
    ['a list', [], 0],
    ['no object', 7, 0],
    ['another type', { a: { dtype: 'F16', shape: [2], data_offsets: [0, 4] } }, 4],
    ['an entry without a place', { a: { dtype: 'F32', shape: [2] } }, 8],
    ['a place that ends before it starts', { a: { dtype: 'F32', shape: [1], data_offsets: [8, 4] } }, 8],
    ['a place before the data', { a: { dtype: 'F32', shape: [1], data_offsets: [-4, 0] } }, 8],
    ['a place of another size than the shape', { a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 8] } }, 8],
    ['a place that is text', { a: { dtype: 'F32', shape: [1], data_offsets: ['0', '4'] } }, 8],
    ['a place of half a number', { a: { dtype: 'F32', shape: [1], data_offsets: [0, 2] } }, 8],
    ['a shape that is text', { a: { dtype: 'F32', shape: ['1'], data_offsets: [0, 4] } }, 8],
  ])('%s is refused', (_, header, size) => {
    fileWith(header, Buffer.alloc(size));
    expect(() => readSafetensors(path)).toThrow(DataError);
  });

  it.each([
    [
      'tensors that overlap',
      { a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] }, b: { dtype: 'U8', shape: [4], data_offsets: [3, 7] } },
    ],
    [
      'many tensors in the same bytes',
      Object.fromEntries(
        Array.from({ length: 9 }, (_, i) => [`t${i}`, { dtype: 'U8', shape: [8], data_offsets: [0, 8] }]),
      ),
    ],
    ['elements of no type', { a: { dtype: 'constructor', shape: [1], data_offsets: [0, 8] } }],
    ['a shape beyond all numbers', { a: { dtype: 'U8', shape: [2 ** 52, 2 ** 52], data_offsets: [0, 8] } }],
  ])('%s are refused whatever the type', (_, header) => {
    fileWith(header, Buffer.alloc(8));
    expect(() => parseSafetensors(readFileSync(path), path)).toThrow(DataError);
  });

  it('of other types are their bytes', () => {
    const header = {
      half: { dtype: 'F16', shape: [2], data_offsets: [2, 6] },
      flags: { dtype: 'BOOL', shape: [2, 1], data_offsets: [0, 2] },
    };
    fileWith(header, Buffer.from([1, 0, 2, 3, 4, 5]));
    const { entries } = parseSafetensors(readFileSync(path), path);
    expect(entries.get('half')).toEqual({ dtype: 'F16', dims: [2], bytes: Buffer.from([2, 3, 4, 5]) });
    expect(entries.get('flags')).toEqual({ dtype: 'BOOL', dims: [2, 1], bytes: Buffer.from([1, 0]) });
  });

  it('a file of other bytes is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        writeFileSync(path, bytes);
        expect(() => readSafetensors(path)).toThrow(DataError);
      }),
    );
  });
});
