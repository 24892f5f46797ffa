import { dirname, join } from 'node:path';
import type { Reading } from './assemble.ts';
import { type ColumnOptions, recogniseColumns } from './columns.ts';
import { readRows } from './csv.ts';
import { readCsv } from './csv-text.ts';
import { listFolder } from './files.ts';
import { imageFinder } from './image-finder.ts';

/** Whether a file is the table of HAM10000: the names under which Harvard Dataverse and its mirrors distribute it. */
export function isHam10000Table(name: string): boolean {
  return /^ham10000_metadata(\.csv|\.tab|\.tsv)?$/i.test(name);
}

/**
 * Reads HAM10000 as it is distributed: `HAM10000_metadata.csv`, and the images in `images/`, in `HAM10000_images_part_1/` and
 * `_part_2/`, or beside it. `dx` is the label and `lesion_id` the lesion; dx_type, age, sex and localization are attributes.
 *
 * @param path the table
 * @param options other columns to take as the label or the group
 * @throws {DataError} `data/csv`, `data/no-column`
 * @throws {UsageError} `data/unknown-column`
 * @see Tschandl, Rosendahl & Kittler 2018, doi:10.1038/sdata.2018.161
 */
export function readHam10000(path: string, options: ColumnOptions = {}): Reading {
  const root = dirname(path);
  const table = readCsv(path);
  const columns = recogniseColumns(table, { image: 'image_id', idColumn: 'image_id', label: 'dx', ...options });
  return { root, format: 'ham10000', ...readRows(table, root, columns, imageFinder(root, imageFiles(root))) };
}

/** A mirror holds the parts twice, in upper and in lower case: the same image in two folders is one image here. */
function imageFiles(root: string): string[] {
  const { folders, files } = listFolder(root);
  const holding = folders.filter((name) => /^(images|ham10000_images(_part_\d)?)$/i.test(name));
  const inside = holding.flatMap((name) => listFolder(join(root, name)).files.map((file) => join(root, name, file)));
  return [...inside, ...files.map((file) => join(root, file))];
}
