import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Hexadecimal SHA-256 of bytes or UTF-8 text. */
export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Hexadecimal SHA-256 of a file of any size, read piece by piece. @throws the system's error, where it cannot be read */
export function sha256OfFile(path: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(1 << 20);
  const file = openSync(path, 'r');
  try {
    for (let count = -1; count !== 0; ) {
      count = readSync(file, piece);
      hash.update(piece.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
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
