import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** Hexadecimal SHA-256 of bytes or UTF-8 text. */
export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Hexadecimal SHA-256 of a file, read as a stream. */
export async function sha256File(path: string): Promise<string> {
  const hash: Hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** The first 32 bits of the SHA-256 of a text, as a signed integer: a stable hash for seeds and splits. */
export function hash32(text: string): number {
  return createHash('sha256').update(text).digest().readInt32BE(0);
}

/** A stable number in [0, 1) from a text, uniform over texts: 48 bits of its SHA-256. */
export function hashUnit(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}
