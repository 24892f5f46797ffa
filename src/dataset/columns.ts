import { DataError, UsageError } from '../core/errors.ts';
import type { CsvTable } from './csv-text.ts';

/** Columns of a table that the user names; each overrides what would be recognised. */
export interface ColumnOptions {
  /** Class names. */
  readonly label?: string;
  /** What must not be torn apart by the split; becomes `lesionId`. */
  readonly group?: string;
  /** File names or paths of the images. */
  readonly image?: string;
  /** Unique ids of the images. */
  readonly idColumn?: string;
}

/** Which column of a table plays which part, by position. */
export interface Columns {
  readonly image: number;
  readonly label: number;
  readonly id: number | undefined;
  readonly lesion: number | undefined;
  readonly patient: number | undefined;
  readonly source: number | undefined;
  readonly split: number | undefined;
}

// The first name that a table has is taken: files before ids, because a table that has both keeps the file in the former.
const IMAGE_NAMES = [
  'image_path',
  'path',
  'file_path',
  'filepath',
  'image_file',
  'file_name',
  'filename',
  'file',
  'image',
  'img',
  'image_id',
  'img_id',
  'isic_id',
  'image_name',
];
const ID_NAMES = ['image_id', 'img_id', 'isic_id', 'id'];
const LABEL_NAMES = ['label', 'class', 'diagnosis', 'dx', 'diagnostic', 'target', 'category'];
const LESION_NAMES = ['lesion_id', 'lesion'];
const PATIENT_NAMES = ['patient_id', 'patient'];

/** The image column of a table, or undefined. */
export function imageColumn(table: CsvTable, options: ColumnOptions): number | undefined {
  return options.image === undefined ? find(table, IMAGE_NAMES) : find(table, [options.image]);
}

/** The label column of a table, or undefined. */
export function labelColumn(table: CsvTable, options: ColumnOptions): number | undefined {
  return options.label === undefined ? find(table, LABEL_NAMES) : find(table, [options.label]);
}

/**
 * Finds out what the columns of a table are, from the names that the user gives and else from common ones, in any case,
 * with `_`, `-` or a space between words.
 *
 * @throws {UsageError} `data/unknown-column` for a named column that the table lacks; lists those it has
 * @throws {DataError} `data/no-column` if no column is known as the image or the label
 */
export function recogniseColumns(table: CsvTable, options: ColumnOptions = {}): Columns {
  const named = (name: string, flag: string): number => {
    const column = find(table, [name]);
    if (column !== undefined) return column;
    throw new UsageError(
      'data/unknown-column',
      `${table.name}: expected the column "${name}" (--${flag}), got: ${table.columns.join(', ')}`,
      'Choose one of these columns.',
    );
  };
  const required = (name: string | undefined, column: number | undefined, flag: string): number => {
    if (name !== undefined) return named(name, flag);
    if (column !== undefined) return column;
    throw new DataError(
      'data/no-column',
      `${table.name}: expected ${flag === 'image' ? 'an image' : 'a label'} column, got: ${table.columns.join(', ')}`,
      `Name the column: --${flag} COLUMN.`,
    );
  };
  return {
    image: required(options.image, imageColumn(table, options), 'image'),
    label: required(options.label, labelColumn(table, options), 'label'),
    id: options.idColumn === undefined ? find(table, ID_NAMES) : named(options.idColumn, 'id'),
    lesion: options.group === undefined ? find(table, LESION_NAMES) : named(options.group, 'group'),
    patient: find(table, PATIENT_NAMES),
    source: find(table, ['source']),
    split: find(table, ['split']),
  };
}

function find(table: CsvTable, names: readonly string[]): number | undefined {
  // The exact spelling first: a table may have both `Label` and `label`.
  for (const name of names) {
    const exact = table.columns.indexOf(name);
    if (exact >= 0) return exact;
    const close = table.columns.findIndex((column) => normalised(column) === normalised(name));
    if (close >= 0) return close;
  }
  return undefined;
}

function normalised(name: string): string {
  return name.toLowerCase().replace(/[\s-]+/g, '_');
}
