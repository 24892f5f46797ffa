/** Reading a tar archive: enough of ustar and pax for what package registries serve. */
import { DataError } from '../../core/errors.ts';

const BLOCK = 512;

/**
 * The regular files of an uncompressed tar archive, as views of it.
 *
 * @param archive the bytes, after decompression
 * @param where how messages name it
 * @throws {DataError} a header whose checksum is wrong, or an archive that ends inside a file
 */
export function readTar(archive: Buffer, where: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  let longName: string | undefined;
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    // Two empty blocks end an archive; one is enough to know.
    if (header.every((byte) => byte === 0)) return files;
    if (octal(header, 148, 8) !== checksum(header))
      throw new DataError('tar/header', `${where}: expected a tar header at byte ${at}, got a wrong checksum`);
    const size = octal(header, 124, 12);
    const start = at + BLOCK;
    if (!(size <= archive.length - start))
      throw new DataError(
        'tar/truncated',
        `${where}: expected ${size} bytes at byte ${start}, got the end of the file`,
      );
    const body = archive.subarray(start, start + size);
    const type = String.fromCharCode(header[156]!);
    if (type === 'x') longName = paxPath(body);
    else if (type === 'L') longName = field(body, 0, body.length);
    else {
      if (type === '0' || type === '\0') files.set(longName ?? ustarName(header), body);
      longName = undefined;
    }
    at = start + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** The sum of the header's bytes, with its own field counted as spaces. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!;
  return sum;
}

function field(block: Buffer, start: number, length: number): string {
  const text = block.toString('utf8', start, start + length);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function octal(block: Buffer, start: number, length: number): number {
  return Number.parseInt(field(block, start, length).trim() || '0', 8);
}

function ustarName(header: Buffer): string {
  const prefix = field(header, 257, 5) === 'ustar' ? field(header, 345, 155) : '';
  const name = field(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** The path in a pax header, whose records read `LENGTH key=value\n`. */
function paxPath(body: Buffer): string | undefined {
  for (let at = 0; at < body.length; ) {
    const length = Number.parseInt(body.toString('latin1', at, at + 20), 10);
    if (!(length > 0)) return undefined;
    const record = body.toString('utf8', at, at + length - 1);
    const [key, ...value] = record.slice(record.indexOf(' ') + 1).split('=');
    if (key === 'path') return value.join('=');
    at += length;
  }
  return undefined;
}
