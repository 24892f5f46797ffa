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
  const bytes = readFileSync(path);
  const bad = (detail: string): DataError =>
    new DataError('safetensors/format', `${path}: expected a safetensors file, got ${detail}`);
  if (bytes.byteLength < 8) throw bad(`${bytes.byteLength} bytes`);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  if (headerBytes > bytes.byteLength - 8) throw bad('a header longer than the file');
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes));
  } catch (error) {
    throw bad(messageOf(error));
  }
  const { metadata, entries } = splitHeader(parsed, bad);
  const tensors = new Map<string, FloatTensor>();
  for (const [name, { dtype, shape, data_offsets }] of entries) {
    const [from, to] = data_offsets;
    if (dtype !== 'F32') throw bad(`${name} of type ${dtype}`);
    const size = shape.reduce((product, d) => product * d, 4);
    if (to - from !== size) throw bad(`${name} [${shape.join(', ')}] in ${to - from} bytes`);
    const start = 8 + headerBytes + from;
    if (8 + headerBytes + to > bytes.byteLength) throw bad(`${name} cut short`);
    const data = new Float32Array(size / 4);
    new Uint8Array(data.buffer).set(bytes.subarray(start, start + size));
    tensors.set(name, { dims: shape, data });
  }
  return { tensors, metadata };
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
