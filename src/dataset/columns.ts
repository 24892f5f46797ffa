import { DataError, UsageError } from '../core/errors.ts';
import type { CsvRow, CsvTable } from './csv-text.ts';

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
  readonly patient?: string;
  /** Which collection or site an image comes from. */
  readonly source?: string;
  /** `train`, `val` or `test`. */
  readonly split?: string;
  /**
   * Where an image lies, relative to the table, with names of columns in braces: `photos/{patient}/{visit}.jpg`. Taken
   * instead of the image column.
   */
  readonly path?: string;
  /** Names for attributes: `{ age: 'Age at visit' }` calls the column `Age at visit` `age`. Other columns keep theirs. */
  readonly attributes?: Readonly<Record<string, string>>;
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
  /** Texts and positions of columns that make the path, in turn; where undefined, `image` has it. */
  readonly path: readonly (string | number)[] | undefined;
  /** Attributes that are called otherwise than their column. */
  readonly renamed: ReadonlyMap<number, string>;
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
  if (options.image !== undefined) return find(table, [options.image]);
  // A pattern needs no image column; any of its own columns stands for the image in messages.
  const inPattern = /\{([^{}]*)\}/.exec(options.path ?? '')?.[1];
  return find(table, IMAGE_NAMES) ?? (inPattern === undefined ? undefined : find(table, [inPattern]));
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
      `${table.name}: expected the column "${name}" (${flag}), got: ${table.columns.join(', ')}`,
      'Choose one of these columns.',
    );
  };
  const optional = (name: string | undefined, usual: readonly string[], flag: string): number | undefined =>
    name === undefined ? find(table, usual) : named(name, flag);
  const required = (name: string | undefined, column: number | undefined, flag: string): number => {
    if (name !== undefined) return named(name, `--${flag}`);
    if (column !== undefined) return column;
    throw new DataError(
      'data/no-column',
      `${table.name}: expected ${flag === 'image' ? 'an image' : 'a label'} column, got: ${table.columns.join(', ')}`,
      `Name the column: --${flag} COLUMN.`,
    );
  };
  // First: where a column of it is missing, that is the error, and not the want of an image column.
  const path = options.path
    ?.split(/\{([^{}]*)\}/)
    .map((part, i) => (i % 2 === 0 ? part : named(part, `columns.path ${options.path}`)));
  return {
    image: required(options.image, imageColumn(table, options), 'image'),
    label: required(options.label, labelColumn(table, options), 'label'),
    id: optional(options.idColumn, ID_NAMES, 'columns.idColumn'),
    lesion: optional(options.group, LESION_NAMES, '--group'),
    patient: optional(options.patient, PATIENT_NAMES, 'columns.patient'),
    source: optional(options.source, ['source'], 'columns.source'),
    split: optional(options.split, ['split'], 'columns.split'),
    path,
    renamed: new Map(
      Object.entries(options.attributes ?? {}).map(([name, column]) => [
        named(column, `columns.attributes.${name}`),
        name,
      ]),
    ),
  };
}

/** What the table says of where the image of a row is. */
export function imageCell({ cells }: CsvRow, columns: Columns): string {
  if (columns.path === undefined) return cells[columns.image] ?? '';
  return columns.path.map((part) => (typeof part === 'string' ? part : (cells[part] ?? ''))).join('');
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
