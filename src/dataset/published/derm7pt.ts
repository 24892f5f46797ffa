import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type CsvRow, type CsvTable, readCsv } from '../csv-text.ts';
import type { Split } from '../types.ts';
import { addColumn, badCell, cellOf, hasColumns } from './edit-table.ts';
import { type PublishedTable, readPublished } from './published-table.ts';

/** The five groups of the publication, by the 20 diagnoses of the table. */
const GROUPS: Readonly<Record<string, string>> = {
  'basal cell carcinoma': 'BCC',
  'blue nevus': 'NEV',
  'clark nevus': 'NEV',
  'combined nevus': 'NEV',
  'congenital nevus': 'NEV',
  'dermal nevus': 'NEV',
  'recurrent nevus': 'NEV',
  'reed or spitz nevus': 'NEV',
  melanoma: 'MEL',
  'melanoma (in situ)': 'MEL',
  'melanoma (less than 0.76 mm)': 'MEL',
  'melanoma (0.76 to 1.5 mm)': 'MEL',
  'melanoma (more than 1.5 mm)': 'MEL',
  'melanoma metastasis': 'MEL',
  dermatofibroma: 'MISC',
  lentigo: 'MISC',
  melanosis: 'MISC',
  miscellaneous: 'MISC',
  'vascular lesion': 'MISC',
  'seborrheic keratosis': 'SK',
};
const MALIGNANT = ['BCC', 'MEL'];
const INDEXES: readonly (readonly [string, Split])[] = [
  ['train_indexes.csv', 'train'],
  ['valid_indexes.csv', 'val'],
  ['test_indexes.csv', 'test'],
];

/**
 * Derm7pt: `meta/meta.csv` with a row per case, its dermoscopic image in `derm` and its photograph in `clinic`, both below
 * `images/`. The label is one of the five groups of the publication (BCC, MEL, MISC, NEV, SK); `label: diagnosis` takes the 20
 * diagnoses, `image: clinic` the photographs. The three files of indexes beside the table (0 is the first case) are the split.
 *
 * @see Kawahara et al. 2019, doi:10.1109/JBHI.2018.2824327
 */
export const derm7pt: PublishedTable = {
  fits: (table) => hasColumns(table, 'case_num', 'diagnosis', 'clinic', 'derm'),
  read: (path, table, options) => {
    const folder = dirname(path);
    const root = basename(folder) === 'meta' ? dirname(folder) : folder;
    const images = join(root, 'images');
    const groupOf = (row: CsvRow): string => {
      const diagnosis = cellOf(table, row, 'diagnosis').toLowerCase();
      if (diagnosis === '') return '';
      const group = Object.hasOwn(GROUPS, diagnosis) ? GROUPS[diagnosis] : undefined;
      if (group === undefined) throw badCell(table, row, 'diagnosis', `one of ${Object.keys(GROUPS).join(', ')}`);
      return group;
    };
    const grouped = addColumn(table, 'diagnosis_group', groupOf);
    const answered = addColumn(grouped, 'malignancy', (row) => {
      const group = groupOf(row);
      return group === '' ? '' : MALIGNANT.includes(group) ? 'malignant' : 'benign';
    });
    const splits = readIndexes(folder, table.rows.length);
    return readPublished({
      format: 'derm7pt',
      root,
      table: splits === undefined ? answered : addColumn(answered, 'split', (_, i) => splits.get(i) ?? ''),
      usual: { image: 'derm', label: 'diagnosis_group', group: 'case_num' },
      options,
      ...(existsSync(images) ? { images } : {}),
      answers: 'malignancy',
    });
  },
};

function readIndexes(folder: string, rows: number): Map<number, Split> | undefined {
  const splits = new Map<number, Split>();
  const files = INDEXES.filter(([name]) => existsSync(join(folder, name)));
  for (const [name, split] of files) {
    const table: CsvTable = readCsv(join(folder, name));
    for (const row of table.rows) {
      const text = cellOf(table, row, 'indexes');
      const index = Number(text);
      const fits = /^\d+$/.test(text) && index < rows;
      if (!fits) throw badCell(table, row, 'indexes', `a row from 0 to ${rows - 1}`);
      if (splits.has(index))
        throw badCell(table, row, 'indexes', `each row in one split, not in ${splits.get(index)} too`);
      splits.set(index, split);
    }
  }
  return files.length === 0 ? undefined : splits;
}
