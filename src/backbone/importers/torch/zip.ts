/** Zip archives whose entries are stored as they are, as PyTorch writes them. */
import { ModelError } from '../../../core/errors.ts';

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
   * The content of an entry, as a view into the file; undefined where there is none of that name.
   *
   * @throws {ModelError} a compressed or encrypted entry
   */
  readonly read: (name: string) => Buffer | undefined;
}

/** @throws {ModelError} sizes beyond 4 GiB (zip64), or an archive that is malformed */
export function readZip(file: Buffer, where: string): Zip {
  const bad = (detail: string): ModelError =>
    new ModelError('torch/zip', `${where}: expected a zip archive of stored entries, got ${detail}`);
  const end = findEnd(file);
  if (end === undefined) throw bad('one that is cut short');
  const count = file.readUInt16LE(end + 10);
  const length = file.readUInt32LE(end + 12);
  let at = file.readUInt32LE(end + 16);
  if (count === 0xffff || length === ELSEWHERE || at === ELSEWHERE) throw bad('one of the zip64 kind');
  if (at + length > end) throw bad('a directory outside the file');
  const last = at + length;

  const entries = new Map<string, { readonly data: Buffer; readonly packing: string | undefined }>();
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
    const packing = (flags & 1) !== 0 ? 'encrypted' : stored ? undefined : 'compressed';
    entries.set(name, { data: file.subarray(data, data + packed), packing });
    at = next;
  }
  const read = (name: string): Buffer | undefined => {
    const entry = entries.get(name);
    if (entry?.packing !== undefined) throw bad(`${name}, ${entry.packing}`);
    return entry?.data;
  };
  return { names: [...entries.keys()], read };
}

/** Position of the end record: its comment, of up to 64 KiB, is the last thing in the file. */
function findEnd(file: Buffer): number | undefined {
  const first = Math.max(0, file.length - END_BYTES - 0xffff);
  for (let at = file.length - END_BYTES; at >= first; at--)
    if (file.readUInt32LE(at) === END && at + END_BYTES + file.readUInt16LE(at + 20) === file.length) return at;
  return undefined;
}
