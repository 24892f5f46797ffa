import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { DataError, messageOf, UsageError } from '../core/errors.ts';
import { assembleDataset, type Reading } from './assemble.ts';
import { type ColumnOptions, imageColumn, labelColumn } from './columns.ts';
import { readCsvDataset } from './csv.ts';
import { type CsvTable, readCsv } from './csv-text.ts';
import { withDicomAttributes } from './dicom-attributes.ts';
import { isImageName, listFolder } from './files.ts';
import { readFolders } from './folders.ts';
import { isHam10000Table, readHam10000 } from './ham10000.ts';
import { isIsic2017Table, readIsic2017 } from './isic2017.ts';
import { readMedMnist } from './medmnist/read.ts';
import { publishedTable } from './published/all.ts';
import type { Dataset } from './types.ts';

export interface ReadOptions extends ColumnOptions {
  /** How many classes there must be: 2 to train, 1 to evaluate. Default 2. */
  readonly minLabels?: number;
}

/**
 * Reads a labelled image data set. It may be
 * - a folder of class folders, or of `train`, `val` and `test` folders of class folders;
 * - a CSV table with an image and a label column, or a folder that holds exactly one such table (which then says more than
 *   any folders beside it, and is taken before them);
 * - HAM10000 as distributed (`HAM10000_metadata.csv`), or the ISIC 2017 layout (`labels.csv`): the folder or its table;
 * - another published data set, told by the columns of its table: the ISIC Archive, ISIC 2018 (task 3), 2019, 2020 and 2024,
 *   PAD-UFES-20, Derm7pt, DDI, Fitzpatrick17k;
 * - DermaMNIST, an `.npz` of arrays or a folder with nothing else in it; its images are extracted to the cache folder.
 *
 * Of DICOM files, age, sex and site become attributes and the hashed PatientID the patient, where no table says them.
 *
 * Only names are read here; whether a file is an image is what `inspectImages` finds out. Rows and files that cannot be used
 * are left out and named in `problems`: `checkProblems` decides whether there are too many of them.
 *
 * @param path folder or table
 * @throws {UsageError} `data/not-found`; `data/unknown-column`; `data/no-table` if a column is named but there is no table
 * @throws {DataError} `data/empty`, `data/no-images`, `data/no-classes`, `data/one-class`, `data/csv`, `data/no-column`,
 *   `data/ambiguous`, `data/format`, `data/split`, `data/cell`, `data/npz`, `data/npy`
 */
export async function readDataset(path: string, options: ReadOptions = {}): Promise<Dataset> {
  const { minLabels = 2, ...columns } = options;
  const full = resolve(path);
  let isFolder: boolean;
  try {
    isFolder = statSync(full).isDirectory();
  } catch (error) {
    throw new UsageError('data/not-found', `${path}: expected a data set: ${messageOf(error)}`, 'Check the path.', {
      cause: error,
    });
  }
  const arrays = isFolder ? loneArrays(full) : /\.npz$/i.test(full) ? full : undefined;
  if (arrays !== undefined) return assembleDataset(await readMedMnist(arrays), minLabels);
  const reading = isFolder ? readFolder(full, columns) : readTable(full, columns);
  return assembleDataset({ ...reading, examples: withDicomAttributes(reading.examples) }, minLabels);
}

/** The one `.npz` of a folder that holds nothing else to read. */
function loneArrays(root: string): string | undefined {
  const { folders, files } = listFolder(root);
  const arrays = files.filter((name) => /\.npz$/i.test(name));
  const others = files.some((name) => isImageName(name) || /\.(csv|tsv|tab)$/i.test(name));
  return arrays.length === 1 && folders.length === 0 && !others ? join(root, arrays[0]!) : undefined;
}

function readFolder(root: string, options: ColumnOptions): Reading {
  const { folders, files } = listFolder(root);
  if (folders.length === 0 && files.length === 0) {
    throw new DataError('data/empty', `${root}: expected images, got an empty folder`, 'Check the path.');
  }
  const ham = files.find(isHam10000Table);
  if (ham !== undefined) return readTable(join(root, ham), options);

  // Derm7pt keeps its table in a folder of its own.
  if (
    folders.includes('meta') &&
    folders.includes('images') &&
    listFolder(join(root, 'meta')).files.includes('meta.csv')
  )
    return readTable(join(root, 'meta', 'meta.csv'), options);

  const tables = files.filter((name) => /\.(csv|tsv)$/i.test(name)).map((name) => readCsv(join(root, name)));
  const published = tables.filter((table) => publishedTable(table) !== undefined);
  if (published.length === 1) return readTable(join(root, published[0]!.name), options, published[0]);
  const listing = tables.filter((table) => imageColumn(table, options) !== undefined);
  const labelled =
    published.length > 1 ? published : listing.filter((table) => labelColumn(table, options) !== undefined);
  if (labelled.length > 1) {
    throw new DataError(
      'data/ambiguous',
      `${root}: expected one table of images, got ${labelled.map(({ name }) => name).join(', ')}`,
      'Give the path of the table itself.',
    );
  }
  // Where a named column is in no table, or the images lie in one folder, a lone table is what was meant: reading it tells
  // which columns there are.
  const columns = Object.entries(options).flatMap(([name, column]) => (column === undefined ? [] : [name]));
  const [lone, another] = listing.length > 0 ? listing : tables;
  const meant = columns.length > 0 || (folders.length < 2 && listing.length > 0);
  const table = labelled[0] ?? (meant && another === undefined ? lone : undefined);
  if (table !== undefined) return readTable(join(root, table.name), options, table);

  if (columns.length > 0) {
    throw new UsageError(
      'data/no-table',
      `${root}: expected a table of images for the option ${columns.join(', ')}, got ${tables.length === 0 ? 'none' : `${tables.length} others`}`,
      'Class folders need no columns: leave the option out, or give the path of a table.',
    );
  }
  return readFolders(root);
}

function readTable(path: string, options: ColumnOptions, known?: CsvTable): Reading {
  const name = basename(path);
  if (isHam10000Table(name)) return readHam10000(path, options);
  if (isImageName(name) || !/\.(csv|tsv|txt)$/i.test(name)) {
    throw new DataError(
      'data/format',
      `${path}: expected a folder or a CSV table, got another file`,
      'Give the folder of the images, or a .csv file with an image and a label column.',
    );
  }
  const table = known ?? readCsv(path);
  if (isIsic2017Table(table)) return readIsic2017(path, options);
  return publishedTable(table)?.read(path, table, options) ?? readCsvDataset(path, options);
}
