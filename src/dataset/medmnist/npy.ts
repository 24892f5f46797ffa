/** Arrays as NumPy writes them. */
import { DataError } from '../../core/errors.ts';

export interface NpyArray {
  /** Such as `|u1` or `<i8`. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Row by row (C order). */
  readonly data: Buffer;
}

const BYTES: Readonly<Record<string, number>> = {
  '|u1': 1,
  '|i1': 1,
  '|b1': 1,
  '<u2': 2,
  '<i2': 2,
  '<u4': 4,
  '<i4': 4,
  '<i8': 8,
  '<u8': 8,
};

/**
 * Reads an `.npy` file of whole numbers, versions 1 to 3.
 *
 * @param where how messages name it
 * @throws {DataError} `data/npy` another type or order, or a file that is damaged
 */
export function readNpy(file: Buffer, where: string): NpyArray {
  const bad = (got: string): DataError =>
    new DataError('data/npy', `${where}: expected an array of whole numbers as NumPy writes it, got ${got}`);
  if (file.length < 12 || file.toString('latin1', 0, 6) !== '\x93NUMPY') throw bad('another file');
  const long = file[6]! >= 2;
  const start = long ? 12 : 10;
  const end = start + (long ? file.readUInt32LE(8) : file.readUInt16LE(8));
  if (end > file.length) throw bad('one that is cut short');
  const header = file.toString('latin1', start, end);
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? '';
  const inside = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1];
  if (inside === undefined) throw bad('one without a shape');
  const shape = inside.split(',').flatMap((part) => (part.trim() === '' ? [] : [Number(part)]));
  const size = Object.hasOwn(BYTES, type) ? BYTES[type] : undefined;
  if (size === undefined) throw bad(`the type "${type}"`);
  if (!/'fortran_order':\s*False/.test(header)) throw bad('one in column order');
  const data = file.subarray(end);
  const expected = shape.reduce((product, length) => product * length, size);
  if (data.length !== expected) throw bad(`${data.length} bytes for the shape (${shape.join(', ')})`);
  return { type, shape, data };
}

/** The numbers of an array. */
export function numbersOf({ type, data }: NpyArray): number[] {
  const size = BYTES[type] ?? 1;
  const signed = type.includes('i');
  return Array.from({ length: data.length / size }, (_, i) => {
    const at = i * size;
    if (size === 8) return Number(signed ? data.readBigInt64LE(at) : data.readBigUInt64LE(at));
    return signed ? data.readIntLE(at, size) : data.readUIntLE(at, size);
  });
}
