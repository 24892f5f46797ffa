import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CsvRow, type CsvTable, readCsv } from '../csv-text.ts';
import {
  addColumn,
  badCell,
  cellOf,
  dropColumns,
  hasColumns,
  joinTables,
  malignantOrBenign,
  mapColumn,
} from './edit-table.ts';
import { type PublishedTable, readPublished } from './published-table.ts';

const CLASSES = ['MEL', 'NV', 'BCC', 'AK', 'AKIEC', 'BKL', 'DF', 'VASC', 'SCC', 'UNK'];

/**
 * ISIC 2018 (task 3) and 2019: `…_GroundTruth.csv` with `image` and one column of 0 and 1 per class. What lies beside it under
 * the same name, `…_Metadata.csv` (age, sex, site, lesion_id) or `…_LesionGroupings.csv`, is joined to it.
 */
export const isicOneHot: PublishedTable = {
  fits: (table) => hasColumns(table, 'image', 'MEL', 'NV', 'BCC', 'BKL', 'DF', 'VASC'),
  read: (path, table, options) => {
    const classes = table.columns.filter((name) => CLASSES.includes(name));
    const labelled = addColumn(table, 'diagnosis', (row) => oneHotLabel(table, row, classes));
    return readPublished({
      format: 'isic-challenge',
      root: dirname(path),
      table: withSiblings(
        path,
        dropColumns(labelled, (name) => classes.includes(name)),
        'image',
      ),
      usual: { image: 'image', idColumn: 'image', label: 'diagnosis' },
      options,
    });
  },
};

/** ISIC 2020: `train.csv` or `ISIC_2020_Training_GroundTruth(_v2).csv`, by `benign_malignant`; images as JPEG or DICOM. */
export const isic2020: PublishedTable = {
  fits: (table) => hasColumns(table, 'image_name', 'patient_id', 'benign_malignant'),
  read: (path, table, options) => {
    const column = table.columns.indexOf('benign_malignant');
    for (const row of table.rows)
      if (!['benign', 'malignant', ''].includes(row.cells[column] ?? ''))
        throw badCell(table, row, 'benign_malignant', 'benign or malignant');
    return readPublished({
      format: 'isic2020',
      root: dirname(path),
      table: dropColumns(table, (name) => name === 'target'),
      usual: { image: 'image_name', idColumn: 'image_name', label: 'benign_malignant' },
      options,
      answers: 'benign_malignant',
    });
  },
};

/**
 * ISIC 2024: `train-metadata.csv` by `target`, or `…_GroundTruth.csv` by `malignant` with `…_Metadata.csv` and
 * `…_Supplement.csv` beside it. Of the measurements that the camera made (`tbp_lv_…`) only the site is kept: they say nothing
 * that an image does not, and would be most of the memory.
 */
export const isic2024: PublishedTable = {
  fits: (table) => hasColumns(table, 'isic_id') && answersOf(table) !== undefined,
  read: (path, table, options) => {
    const answers = answersOf(table) ?? 'target';
    const bare = dropColumns(
      withSiblings(path, table, 'isic_id'),
      (name) => name.startsWith('tbp_lv_') && name !== 'tbp_lv_location_simple',
    );
    return readPublished({
      format: 'isic2024',
      root: dirname(path),
      table: mapColumn(bare, answers, (row) => malignantOrBenign(bare, row, answers)),
      usual: { image: 'isic_id', idColumn: 'isic_id', label: answers },
      options,
      answers,
    });
  },
};

function answersOf(table: CsvTable): string | undefined {
  return ['target', 'malignant'].find((name) => table.columns.includes(name));
}

/** The one class of a row, or an empty text where it has none. @throws {DataError} more than one, or no 0 and 1 */
function oneHotLabel(table: CsvTable, row: CsvRow, classes: readonly string[]): string {
  const named = classes.filter((name) => {
    const text = cellOf(table, row, name);
    const value = text === '' ? 0 : Number(text);
    if (value !== 0 && value !== 1) throw badCell(table, row, name, '0 or 1');
    return value === 1;
  });
  if (named.length > 1) throw badCell(table, row, named[1]!, `0, because ${named[0]} is 1 already`);
  return named[0] ?? '';
}

function withSiblings(path: string, table: CsvTable, key: string): CsvTable {
  const stem = /^(.*)_GroundTruth/i.exec(table.name)?.[1];
  if (stem === undefined) return table;
  return ['Metadata', 'LesionGroupings', 'Supplement']
    .map((name) => join(dirname(path), `${stem}_${name}.csv`))
    .filter((sibling) => existsSync(sibling))
    .map((sibling) => readCsv(sibling))
    .reduce((joined, sibling) => (hasColumns(sibling, key) ? joinTables(joined, sibling, key) : joined), table);
}
