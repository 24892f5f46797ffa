import { join } from 'node:path';
import { DataError } from '../core/errors.ts';
import type { Reading } from './assemble.ts';
import { filesBelow, isImageName, isUnreadImageName, listFolder, relativePath } from './files.ts';
import { splitOfName } from './split-name.ts';
import type { Example, Problem, Split } from './types.ts';

/**
 * Reads a folder of class folders, or of `train`, `val` (also `valid`, `validation`) and `test` folders of class folders.
 * A class folder is searched to any depth. The id of an example is its path relative to the root.
 *
 * `train`, `val` and `test` are splits only if `train` has folders in it: a class may be called `train`.
 *
 * @throws {DataError} `data/no-images`, `data/no-classes`
 */
export function readFolders(root: string): Reading {
  const { folders, files } = listFolder(root);
  const examples: Example[] = [];
  const problems: Problem[] = [];
  const trains = folders.filter((name) => splitOfName(name) === 'train');
  const hasSplits = trains.some((name) => listFolder(join(root, name)).folders.length > 0);

  if (hasSplits) {
    for (const name of folders) {
      const split = splitOfName(name);
      if (split !== undefined) readClasses(root, join(root, name), split, examples, problems);
    }
    noteStrays(root, root, files, problems);
  } else {
    const onlySplits = folders.length > 1 && trains.length > 0 && folders.every((name) => splitOfName(name));
    const loose = files.filter(isImageName).length;
    if (onlySplits || (folders.length === 0 && loose > 0)) {
      throw new DataError(
        'data/no-classes',
        `${root}: expected one folder of images per class, got ${
          onlySplits ? `${folders.join(', ')} without class folders in them` : `${loose} images and no folder`
        }`,
        'Sort the images into one folder per class, or add a CSV table with an image and a label column.',
      );
    }
    readClasses(root, root, undefined, examples, problems);
  }
  return { root, format: hasSplits ? 'split-folders' : 'folders', examples, problems };
}

function readClasses(
  root: string,
  parent: string,
  split: Split | undefined,
  examples: Example[],
  problems: Problem[],
): void {
  const { folders, files } = listFolder(parent);
  for (const label of folders) {
    for (const path of filesBelow(join(parent, label))) {
      const id = relativePath(root, path);
      if (isImageName(path)) {
        examples.push({ id, path, label, ...(split === undefined ? {} : { split }), attributes: {} });
      } else if (isUnreadImageName(path)) {
        problems.push({ kind: 'unreadable', where: id, detail: 'this image format is not read' });
      }
    }
  }
  noteStrays(root, parent, files, problems);
}

/** Images beside the class folders have no label. */
function noteStrays(root: string, parent: string, files: readonly string[], problems: Problem[]): void {
  for (const name of files) {
    if (!isImageName(name)) continue;
    problems.push({
      kind: 'no-label',
      where: relativePath(root, join(parent, name)),
      detail: 'lies in no class folder',
    });
  }
}
