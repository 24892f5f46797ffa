import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { EnvironmentError, systemCode } from './errors.ts';

/**
 * Writes a file so that a crash at any moment leaves either the old file or the new one: a temporary file beside it,
 * flushed to disk, then renamed over it.
 *
 * @throws {EnvironmentError} no space, no permission, or the folder cannot be made
 */
export function writeFileAtomic(path: string, data: Uint8Array | string | readonly Uint8Array[]): void {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    makeFolder(dirname(path));
    const file = openSync(temporary, 'w');
    try {
      const chunks = typeof data === 'string' ? [Buffer.from(data)] : data instanceof Uint8Array ? [data] : data;
      for (const chunk of chunks) writeAll(file, chunk);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw diskError(path, error);
  }
}

/** Makes a folder and those above it. Node's own recursion never ends where the system refuses with ENOENT, as `/proc` does. */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    const above = dirname(path);
    if (code !== 'ENOENT' || existsSync(above)) throw error;
    makeFolder(above);
    mkdirSync(path);
  }
}

/** Writes every byte, however many calls the system takes for it. */
export function writeAll(file: number, data: Uint8Array, position: number | null = null): void {
  let done = 0;
  while (done < data.byteLength) {
    done += writeSync(file, data, done, data.byteLength - done, position === null ? null : position + done);
  }
}

/** A system error on a path as an `EnvironmentError` that says what to do; any other error unchanged. */
export function diskError(path: string, error: unknown): unknown {
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new EnvironmentError(
        'disk/full',
        `${path}: no space left on the disk`,
        'Free some space, or choose another folder.',
        { cause: error },
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new EnvironmentError(
        'disk/denied',
        `${path}: cannot be written: permission denied`,
        'Choose a folder you may write to.',
        { cause: error },
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new EnvironmentError(
        'disk/not-a-folder',
        `${path}: expected a folder, got a file`,
        'Choose another path.',
        { cause: error },
      );
    default:
      return error;
  }
}

/** Bytes free to this user on the disk that holds a path (which must exist). */
export function freeBytes(path: string): number {
  const stats = statfsSync(path);
  return stats.bavail * stats.bsize;
}

/** Where downloads and features are remembered: `NEVUS_CACHE`, else `XDG_CACHE_HOME/nevus`, else `~/.cache/nevus`. */
export function cacheFolder(): string {
  const { NEVUS_CACHE, XDG_CACHE_HOME } = process.env;
  return NEVUS_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'nevus');
}

/** A number of bytes for a reader. */
export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
