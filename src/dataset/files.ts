import { readdirSync, realpathSync, statSync } from 'node:fs';
import { extname, isAbsolute, join, relative, sep } from 'node:path';
import { DataError, messageOf } from '../core/errors.ts';
import { IMAGE_EXTENSIONS, UNREAD_EXTENSIONS } from '../image/sniff.ts';

/** What a folder holds, hidden entries and the debris of operating systems left out; each list sorted by code unit. */
export interface Listing {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

/**
 * Names in a folder. Links are followed; links to nothing are left out.
 *
 * @throws {DataError} `data/unreadable`
 */
export function listFolder(path: string): Listing {
  const folders: string[] = [];
  const files: string[] = [];
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue;
      const kind = entry.isSymbolicLink() ? statSync(join(path, entry.name), { throwIfNoEntry: false }) : entry;
      if (kind?.isDirectory()) folders.push(entry.name);
      else if (kind?.isFile()) files.push(entry.name);
    }
  } catch (error) {
    throw new DataError(
      'data/unreadable',
      `${path}: expected a folder that can be read: ${messageOf(error)}`,
      undefined,
      {
        cause: error,
      },
    );
  }
  // The order of a directory differs between file systems; the order of examples must not.
  return { folders: folders.sort(), files: files.sort() };
}

/** Absolute paths of all files below a folder, in a fixed order. A folder reached twice through links is read once. */
export function filesBelow(root: string): string[] {
  const out: string[] = [];
  const seen = new Set<string>();
  const visit = (path: string): void => {
    const real = realpathSync(path);
    if (seen.has(real)) return;
    seen.add(real);
    const { folders, files } = listFolder(path);
    for (const file of files) out.push(join(path, file));
    for (const folder of folders) visit(join(path, folder));
  };
  visit(root);
  return out;
}

/** Whether a file is called as pictures that can be read are. What it holds is another question. */
export function isImageName(name: string): boolean {
  return IMAGE_EXTENSIONS.includes(extname(name).toLowerCase());
}

export function isDicomName(name: string): boolean {
  return /^\.(dcm|dicom)$/i.test(extname(name));
}

/** Whether a file is called as pictures of formats that are not read (HEIC, GIF, …). */
export function isUnreadImageName(name: string): boolean {
  return UNREAD_EXTENSIONS.includes(extname(name).toLowerCase());
}

/** A path relative to a folder, with `/` on every system; a path outside the folder stays absolute. */
export function relativePath(root: string, path: string): string {
  const inside = relative(root, path);
  const outside = inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
  return (outside ? path : inside).split(sep).join('/');
}
