import { dirname } from 'node:path';
import type { Reading } from './assemble.ts';
import { type ColumnOptions, recogniseColumns } from './columns.ts';
import { readRows } from './csv.ts';
import { type CsvTable, readCsv } from './csv-text.ts';
import { imageFinder } from './image-finder.ts';

/** Whether a table is that of the ISIC 2017 layout: `image_id,split,diagnosis,…`. */
export function isIsic2017Table(table: CsvTable): boolean {
  return (
    table.name.toLowerCase() === 'labels.csv' &&
    ['image_id', 'split', 'diagnosis'].every((name) => table.columns.includes(name))
  );
}

/**
 * Reads the ISIC 2017 challenge data: `labels.csv` with `image_id`, `split` and `diagnosis`, and the images in one folder per
 * split (`train/`, `val/`, `test/`). age_approximate and sex are attributes.
 *
 * @param path the table
 * @param options other columns to take as the label or the group
 * @throws {DataError} `data/csv`, `data/split`
 * @throws {UsageError} `data/unknown-column`
 * @see Codella et al. 2018, arXiv:1710.05006
 */
export function readIsic2017(path: string, options: ColumnOptions = {}): Reading {
  const root = dirname(path);
  const table = readCsv(path);
  const columns = recogniseColumns(table, { image: 'image_id', idColumn: 'image_id', label: 'diagnosis', ...options });
  return { root, format: 'isic2017', ...readRows(table, root, columns, imageFinder(root)) };
}
