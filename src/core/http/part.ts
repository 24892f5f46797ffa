/** What has been fetched of a file so far: its bytes, and what they are bytes of. */

import { readFileSync, rmSync, statSync } from 'node:fs';
import { z } from 'zod';
import { systemCode } from '../errors.ts';
import { writeFileAtomic } from '../files.ts';

const Note = z.object({ validator: z.string().optional(), total: z.int().optional() });

/** Facts of the server about the version of the file that the part belongs to. */
export interface PartNote {
  /** A strong ETag, or a date of modification: what `If-Range` takes. */
  readonly validator?: string | undefined;
  /** Size of the whole file in bytes. */
  readonly total?: number | undefined;
}

export interface Part extends PartNote {
  readonly bytes: number;
}

export function partPath(path: string): string {
  return `${path}.part`;
}

/** What is there of a file; no bytes where nothing is. */
export function readPart(path: string): Part {
  const bytes = statSync(partPath(path), { throwIfNoEntry: false })?.size ?? 0;
  return bytes === 0 ? { bytes } : { ...readNote(path), bytes };
}

export function noteOfPart(path: string, note: PartNote): void {
  writeFileAtomic(notePath(path), JSON.stringify(note));
}

export function removePart(path: string): void {
  rmSync(partPath(path), { force: true });
  rmSync(notePath(path), { force: true });
}

/** What stays behind when a part has become the file. */
export function removeNote(path: string): void {
  rmSync(notePath(path), { force: true });
}

function notePath(path: string): string {
  return `${partPath(path)}.json`;
}

function readNote(path: string): PartNote {
  try {
    return Note.parse(JSON.parse(readFileSync(notePath(path), 'utf8')));
  } catch (error) {
    // Missing or damaged: the bytes may be those of any version.
    if (systemCode(error) === undefined || systemCode(error) === 'ENOENT') return {};
    throw error;
  }
}
