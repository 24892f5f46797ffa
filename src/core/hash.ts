import { createHash } from 'node:crypto';

/** Hexadecimal SHA-256 of bytes or UTF-8 text. */
export function sha256(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The first 32 bits of the SHA-256 of a text, as a signed integer: a stable hash for seeds and splits. */
export function hash32(text: string): number {
  return createHash('sha256').update(text).digest().readInt32BE(0);
}

/** A stable number in [0, 1) from a text, uniform over texts: 48 bits of its SHA-256. */
export function hashUnit(text: string): number {
  return createHash('sha256').update(text).digest().readUIntBE(0, 6) / 2 ** 48;
}
