import type { Reading } from '../assemble.ts';
import { type ColumnOptions, recogniseColumns } from '../columns.ts';
import { readRows } from '../csv.ts';
import type { CsvTable } from '../csv-text.ts';
import { imageFinder } from '../image-finder.ts';
import type { DatasetFormat, Example, Problem, Taxonomy } from '../types.ts';

/** How the table of a published data set is told from others, and read. */
export interface PublishedTable {
  readonly fits: (table: CsvTable) => boolean;
  /**
   * @param path the table's file
   * @param options other columns to take as the label, the image, …
   * @throws {DataError} `data/cell` for a cell that does not hold what the data set says it does, by row and column
   */
  readonly read: (path: string, table: CsvTable, options: ColumnOptions) => Reading;
}

interface Published {
  readonly format: DatasetFormat;
  readonly root: string;
  readonly table: CsvTable;
  /** The data set's own columns; those of the user are taken before them. */
  readonly usual: ColumnOptions;
  readonly options: ColumnOptions;
  /** Folder of the images, where they are called by paths relative to it. Default: the root. */
  readonly images?: string;
  readonly excluded?: readonly Problem[];
  /** The column that says of each row whether it is malignant, whatever column is the label. */
  readonly answers?: string;
}

/** The examples of a published table. */
export function readPublished(published: Published): Reading {
  const { format, root, table, usual, options, images = root, excluded = [], answers } = published;
  const columns = recogniseColumns(table, { ...usual, ...options });
  const { examples, problems } = readRows(table, root, columns, imageFinder(images));
  const taxonomy = answers === undefined ? undefined : taxonomyByAnswers(examples, answers);
  const all = [...excluded, ...problems];
  return { root, format, examples, problems: all, ...(taxonomy === undefined ? {} : { taxonomy }) };
}

/**
 * Which labels are malignant, by what another column says of their images.
 *
 * @returns undefined if one label's images are of both kinds, or if all labels' are of one kind
 */
function taxonomyByAnswers(examples: readonly Example[], column: string): Taxonomy | undefined {
  const answers = new Map<string, boolean>();
  const seen = new Set<string>();
  for (const { label, attributes } of examples) {
    const answer = (attributes[column] ?? label).toLowerCase();
    seen.add(label);
    if (answer === '') continue;
    const malignant = answer === 'malignant';
    if ((answers.get(label) ?? malignant) !== malignant) return undefined;
    answers.set(label, malignant);
  }
  const positiveLabels = [...answers].flatMap(([label, malignant]) => (malignant ? [label] : [])).sort();
  if (answers.size < seen.size || positiveLabels.length === 0 || positiveLabels.length === seen.size) return undefined;
  return { positive: 'malignant', negative: 'benign', positiveLabels };
}
