/** Zip archives as PyTorch (stored) and NumPy (stored or deflated) write them. */
import { inflateRawSync } from 'node:zlib';
import { messageOf } from './errors.ts';

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_BYTES = 22;
const CENTRAL_BYTES = 46;
const LOCAL_BYTES = 30;
/** In place of a number that only the 64-bit records hold. */
const ELSEWHERE = 0xffffffff;

export interface Zip {
  readonly names: readonly string[];
  /**
   * The content of an entry, as a view into the file where it is stored as it is; undefined where there is none of that name.
   *
   * @throws what `bad` makes, for an encrypted or damaged entry, and for a way of packing that is not read
   */
  readonly read: (name: string) => Buffer | undefined;
}

/**
 * @param bad the error for an archive that is malformed or larger than 4 GiB (zip64), from what it is instead
 * @param packings `stored`: entries must be stored as they are. `deflated`: they may be compressed
 */
export function readZip(file: Buffer, packings: 'stored' | 'deflated', bad: (detail: string) => Error): Zip {
  const end = findEnd(file);
  if (end === undefined) throw bad('one that is cut short');
  const count = file.readUInt16LE(end + 10);
  const length = file.readUInt32LE(end + 12);
  let at = file.readUInt32LE(end + 16);
  if (count === 0xffff || length === ELSEWHERE || at === ELSEWHERE) throw bad('one of the zip64 kind');
  if (at + length > end) throw bad('a directory outside the file');
  const last = at + length;

  const entries = new Map<
    string,
    { readonly data: Buffer; readonly size: number; readonly packing: string | undefined }
  >();
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > last || file.readUInt32LE(at) !== CENTRAL) throw bad('a damaged directory');
    const flags = file.readUInt16LE(at + 8);
    const method = file.readUInt16LE(at + 10);
    const packed = file.readUInt32LE(at + 20);
    const size = file.readUInt32LE(at + 24);
    const nameBytes = file.readUInt16LE(at + 28);
    const next = at + CENTRAL_BYTES + nameBytes + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
    const local = file.readUInt32LE(at + 42);
    if (next > last) throw bad('a damaged directory');
    const name = file.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes);
    if (packed === ELSEWHERE || size === ELSEWHERE || local === ELSEWHERE) throw bad(`${name} of the zip64 kind`);
    if (entries.has(name)) throw bad(`${name} twice`);
    if (local + LOCAL_BYTES > file.length || file.readUInt32LE(local) !== LOCAL) throw bad(`${name} out of place`);
    const data = local + LOCAL_BYTES + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    if (data + packed > file.length) throw bad(`${name} cut short`);
    const stored = method === 0 && packed === size;
    const how = stored ? undefined : method === 8 && packings === 'deflated' ? 'deflated' : 'compressed';
    const packing = (flags & 1) !== 0 ? 'encrypted' : how;
    entries.set(name, { data: file.subarray(data, data + packed), size, packing });
    at = next;
  }
  const read = (name: string): Buffer | undefined => {
    const entry = entries.get(name);
    if (entry?.packing === 'deflated') return inflated(name, entry.data, entry.size, bad);
    if (entry?.packing !== undefined) throw bad(`${name}, ${entry.packing}`);
    return entry?.data;
  };
  return { names: [...entries.keys()], read };
}

/** No more is unpacked than the directory promises. */
function inflated(name: string, data: Buffer, size: number, bad: (detail: string) => Error): Buffer {
  let content: Buffer;
  try {
    content = inflateRawSync(data, { maxOutputLength: Math.max(1, size) });
  } catch (error) {
    throw bad(`${name}, damaged (${messageOf(error)})`);
  }
  if (content.length !== size) throw bad(`${name} with ${content.length} bytes instead of ${size}`);
  return content;
}

/** Position of the end record: its comment, of up to 64 KiB, is the last thing in the file. */
function findEnd(file: Buffer): number | undefined {
  const first = Math.max(0, file.length - END_BYTES - 0xffff);
  for (let at = file.length - END_BYTES; at >= first; at--)
    if (file.readUInt32LE(at) === END && at + END_BYTES + file.readUInt16LE(at + 20) === file.length) return at;
  return undefined;
}
