import { dirname } from 'node:path';
import { DataError } from '../core/errors.ts';
import type { Reading } from './assemble.ts';
import { type ColumnOptions, type Columns, imageCell, recogniseColumns } from './columns.ts';
import { type CsvRow, type CsvTable, readCsv } from './csv-text.ts';
import { relativePath } from './files.ts';
import { type ImageFinder, imageFinder } from './image-finder.ts';
import { splitOfName } from './split-name.ts';
import type { Example, Problem, Split } from './types.ts';

/** Cells that mean "not known". Were they taken for ids, all images of unknown patients would be one patient's. */
const ABSENT: readonly string[] = ['', 'na', 'n/a', 'nan', 'none', 'null', 'unknown', '-'];
/** For labels, `unknown` and `none` are names like any other: ISIC has a diagnosis `unknown`. */
const NO_LABEL: readonly string[] = ['', 'na', 'n/a', 'nan', 'null'];

/**
 * Reads a CSV table with one row per image. Columns `lesion_id`, `patient_id`, `source` and `split` are understood; all
 * others become attributes under their own names, an empty cell as an empty string.
 *
 * @throws {DataError} `data/csv`, `data/no-column`, `data/split`
 * @throws {UsageError} `data/unknown-column`
 */
export function readCsvDataset(path: string, options: ColumnOptions = {}): Reading {
  const root = dirname(path);
  const table = readCsv(path);
  return { root, format: 'csv', ...readRows(table, root, recogniseColumns(table, options), imageFinder(root)) };
}

/**
 * The examples of a table in its order, and the rows that are none: without label, without file, or with the id of a row above.
 *
 * @param root what the ids of images without id are relative to
 * @throws {DataError} `data/split` for a split that is none of train, val and test
 */
export function readRows(
  table: CsvTable,
  root: string,
  columns: Columns,
  find: ImageFinder,
): Pick<Reading, 'examples' | 'problems'> {
  const examples: Example[] = [];
  const problems: Problem[] = [];
  const rowOf = new Map<string, { readonly where: string; readonly label: string }>();
  const { path: _, renamed, ...roles } = columns;
  const parts = new Set<number | undefined>(Object.values(roles));
  // A column that is given a name as an attribute is one, whatever else it is.
  const others = table.columns.flatMap((name, i) =>
    renamed.has(i) || !parts.has(i) ? [{ name: renamed.get(i) ?? name, i }] : [],
  );

  for (const row of table.rows) {
    const where = `${table.name}:${row.line}`;
    const cell = (column: number | undefined): string => (column === undefined ? '' : (row.cells[column] ?? ''));
    const split = splitOfRow(table, row, columns.split);
    const label = cell(columns.label);
    if (NO_LABEL.includes(label.toLowerCase())) {
      problems.push({ kind: 'no-label', where, detail: `${imageCell(row, columns)}: the label cell is empty` });
      continue;
    }
    const found = find(imageCell(row, columns), split);
    if ('reason' in found) {
      problems.push({ kind: 'missing-file', where, detail: found.reason });
      continue;
    }
    const id = cell(columns.id) || relativePath(root, found.path);
    const earlier = rowOf.get(id);
    if (earlier !== undefined) {
      const both = earlier.label === label ? '' : `, where its label is ${earlier.label} and not ${label}`;
      problems.push({ kind: 'duplicate-id', where, detail: `${id} is also at ${earlier.where}${both}` });
      continue;
    }
    rowOf.set(id, { where, label });
    const lesionId = known(cell(columns.lesion));
    const patientId = known(cell(columns.patient));
    const source = known(cell(columns.source));
    examples.push({
      id,
      path: found.path,
      label,
      ...(lesionId === undefined ? {} : { lesionId }),
      ...(patientId === undefined ? {} : { patientId }),
      ...(source === undefined ? {} : { source }),
      ...(split === undefined ? {} : { split }),
      attributes: Object.fromEntries(others.map(({ name, i }) => [name, cell(i)])),
    });
  }
  return { examples, problems };
}

function known(cell: string): string | undefined {
  return ABSENT.includes(cell.toLowerCase()) ? undefined : cell;
}

function splitOfRow(table: CsvTable, row: CsvRow, column: number | undefined): Split | undefined {
  const cell = column === undefined ? '' : (row.cells[column] ?? '');
  if (cell === '') return undefined;
  const split = splitOfName(cell);
  if (split !== undefined) return split;
  throw new DataError(
    'data/split',
    `${table.name}:${row.line}: expected the split train, val or test, got "${cell}"`,
    'Correct the cell, or rename the column if it means something else.',
  );
}
