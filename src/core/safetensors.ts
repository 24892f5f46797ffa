/** Named float32 tensors and text in one file: the safetensors format (8-byte length, JSON header, raw data). */
import { readFileSync } from 'node:fs';
import { DataError, messageOf } from './errors.ts';
import { writeFileAtomic } from './files.ts';

export interface FloatTensor {
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** What the header says of one tensor: its bytes are those from … to of the data. */
interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Writes the file atomically. The same tensors and text give the same bytes. */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, FloatTensor>,
  metadata: Readonly<Record<string, string>>,
): void {
  const header: [name: string, value: unknown][] = [['__metadata__', metadata]];
  let offset = 0;
  for (const [name, { dims, data }] of tensors) {
    header.push([name, { dtype: 'F32', shape: dims, data_offsets: [offset, offset + data.byteLength] }]);
    offset += data.byteLength;
  }
  const json = JSON.stringify(Object.fromEntries(header));
  // Data start on a multiple of 8 bytes, as the format asks.
  const text = Buffer.from(json.padEnd(json.length + ((8 - (Buffer.byteLength(json) % 8)) % 8), ' '));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.byteLength));
  const chunks = [...tensors.values()].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  writeFileAtomic(path, [length, text, ...chunks]);
}

/** Reads a file that `writeSafetensors` wrote. @throws {DataError} if it is cut short or not such a file */
export function readSafetensors(path: string): {
  readonly tensors: Map<string, FloatTensor>;
  readonly metadata: Readonly<Record<string, string>>;
} {
  const { entries, metadata } = parseSafetensors(readFileSync(path), path);
  const tensors = new Map<string, FloatTensor>();
  for (const [name, { dtype, dims, bytes }] of entries) {
    if (dtype !== 'F32' || bytes.byteLength % 4 !== 0) throw malformed(path, `${name} of type ${dtype}`);
    const data = new Float32Array(bytes.byteLength / 4);
    new Uint8Array(data.buffer).set(bytes);
    tensors.set(name, { dims, data });
  }
  return { tensors, metadata };
}

/** A tensor of any type, as it is in the file. */
export interface RawTensor {
  /** As the format calls it: `F32`, `BF16`, `I64`, … */
  readonly dtype: string;
  readonly dims: readonly number[];
  /** Little-endian, row-major; a view into the file. */
  readonly bytes: Uint8Array;
}

/** Bytes of one element. */
const WIDTHS: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

/** A header is text for a few thousand tensors; the format's own reader has this limit. */
const MOST_HEADER_BYTES = 100_000_000;

/**
 * The tensors of a safetensors file.
 *
 * @param where how messages name it
 * @throws {DataError} if it is cut short, has tensors that overlap or do not fill their place, or is not such a file
 */
export function parseSafetensors(
  file: Buffer,
  where: string,
): { readonly entries: Map<string, RawTensor>; readonly metadata: Readonly<Record<string, string>> } {
  const bad = (detail: string): DataError => malformed(where, detail);
  if (file.byteLength < 8) throw bad(`${file.byteLength} bytes`);
  const headerBytes = Number(file.readBigUInt64LE(0));
  if (headerBytes > Math.min(file.byteLength - 8, MOST_HEADER_BYTES)) throw bad('a header longer than the file');
  let parsed: unknown;
  try {
    parsed = JSON.parse(file.toString('utf8', 8, 8 + headerBytes));
  } catch (error) {
    throw bad(messageOf(error));
  }
  const { metadata, entries } = splitHeader(parsed, bad);
  const data = file.subarray(8 + headerBytes);
  const tensors = new Map<string, RawTensor>();
  for (const [name, { dtype, shape, data_offsets }] of entries) {
    const [from, to] = data_offsets;
    const width = Object.hasOwn(WIDTHS, dtype) ? WIDTHS[dtype] : undefined;
    if (width === undefined) throw bad(`${name} of type ${dtype}`);
    const size = shape.reduce((product, d) => product * d, width);
    if (to - from !== size) throw bad(`${name} [${shape.join(', ')}] in ${to - from} bytes`);
    if (to > data.byteLength) throw bad(`${name} cut short`);
    tensors.set(name, { dtype, dims: shape, bytes: data.subarray(from, to) });
  }
  // Each byte belongs to one tensor, so a small file cannot claim to be large.
  let end = 0;
  for (const { data_offsets } of [...entries.values()].sort((a, b) => a.data_offsets[0] - b.data_offsets[0])) {
    if (data_offsets[0] < end) throw bad('tensors that overlap');
    end = data_offsets[1];
  }
  return { entries: tensors, metadata };
}

function malformed(where: string, detail: string): DataError {
  return new DataError('safetensors/format', `${where}: expected a safetensors file, got ${detail}`);
}

function splitHeader(
  parsed: unknown,
  bad: (detail: string) => DataError,
): { metadata: Record<string, string>; entries: ReadonlyMap<string, Entry> } {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw bad('no header');
  let metadata: Record<string, string> = {};
  const entries = new Map<string, Entry>();
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__')
      metadata = Object.fromEntries(Object.entries(value ?? {}).map(([k, v]) => [k, String(v)]));
    else if (isEntry(value)) entries.set(name, value);
    else throw bad(`an entry ${name} without type and place`);
  }
  return { metadata, entries };
}

function isEntry(value: unknown): value is Entry {
  return (
    typeof value === 'object' &&
    value !== null &&
    'dtype' in value &&
    'shape' in value &&
    isCounts(value.shape) &&
    'data_offsets' in value &&
    isCounts(value.data_offsets) &&
    value.data_offsets.length === 2
  );
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((v) => Number.isSafeInteger(v) && v >= 0);
}
