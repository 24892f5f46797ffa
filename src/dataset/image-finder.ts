import { statSync } from 'node:fs';
import { basename, extname, isAbsolute, resolve } from 'node:path';
import { IMAGE_EXTENSIONS } from '../image/sniff.ts';
import { filesBelow, isDicomName, isImageName, relativePath } from './files.ts';
import { splitOfName } from './split-name.ts';
import type { Split } from './types.ts';

/** The file that a cell of a table means, or why there is none. */
export type Found = { readonly path: string } | { readonly reason: string };

export type ImageFinder = (cell: string, split?: Split) => Found;

/**
 * Finds image files by what tables call them: an absolute path; a path relative to the root; a file name, wherever below the
 * root it lies; each also without its extension. Where several files fit, the one in a folder named as the row's split.
 * A relative path that leaves the root is refused.
 *
 * @param root folder of the table
 * @param files where to look, the first fitting file being taken. Default: everything below the root, where two
 *   fitting files are an ambiguity
 */
export function imageFinder(root: string, files?: readonly string[]): ImageFinder {
  // Listing a folder takes a while, and tables with complete paths do not need it.
  let index: Index | undefined;
  return (cell, split) => {
    // Tables written on Windows separate with backslashes, which no name of a picture contains.
    const name = cell.includes('/') ? cell : cell.replaceAll('\\', '/');
    if (name === '') return { reason: 'the image cell is empty' };
    if (isAbsolute(name)) {
      const path = [name, ...IMAGE_EXTENSIONS.map((extension) => name + extension)].find(isFile);
      return path === undefined ? { reason: `no file ${name}` } : { path };
    }
    const direct = resolve(root, name);
    if (isAbsolute(relativePath(root, direct)))
      return { reason: `the path ${name} leads out of the data set's folder` };
    if (isFile(direct)) return { path: direct };

    index ??= indexOf(root, files ?? filesBelow(root));
    const all = fittingFiles(index, relativePath(root, direct));
    // ISIC 2020 comes both ways; the picture is quicker to read, and shows the same.
    const pictures = all.filter((path) => !isDicomName(path));
    const fitting = pictures.length > 0 ? pictures : all;
    const [first, second] = fitting;
    if (first === undefined) return { reason: `no file ${name}` };
    if (second === undefined || files !== undefined) return { path: first };
    const inSplit = fitting.filter((path) => split !== undefined && foldersOf(root, path).some((s) => s === split));
    if (inSplit.length === 1) return { path: inSplit[0]! };
    return { reason: `several files are called ${name}: ${relativePath(root, first)}, ${relativePath(root, second)}` };
  };
}

interface Index {
  /** By relative path without extension. */
  readonly byPath: ReadonlyMap<string, readonly string[]>;
  /** By file name, with and without extension. */
  readonly byName: ReadonlyMap<string, readonly string[]>;
}

function indexOf(root: string, files: readonly string[]): Index {
  const byPath = new Map<string, string[]>();
  const byName = new Map<string, string[]>();
  for (const path of files) {
    if (!isImageName(path)) continue;
    add(byPath, withoutExtension(relativePath(root, path)), path);
    add(byName, basename(path), path);
    add(byName, withoutExtension(basename(path)), path);
  }
  return { byPath, byName };
}

function fittingFiles(index: Index, name: string): readonly string[] {
  const atPath = isImageName(name) ? undefined : index.byPath.get(name);
  if (atPath !== undefined) return atPath;
  return name.includes('/') ? [] : (index.byName.get(name) ?? []);
}

function foldersOf(root: string, path: string): (Split | undefined)[] {
  return relativePath(root, path).split('/').slice(0, -1).map(splitOfName);
}

function withoutExtension(path: string): string {
  return path.slice(0, path.length - extname(path).length);
}

function add(map: Map<string, string[]>, key: string, path: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [path]);
  else list.push(path);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
