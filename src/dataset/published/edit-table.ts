/** Tables as they are published, brought into a form that one reader understands. */
import { DataError } from '../../core/errors.ts';
import type { CsvRow, CsvTable } from '../csv-text.ts';
import type { Problem } from '../types.ts';

/** The cell of a row under a column's name; empty where the table has no such column. */
export function cellOf(table: CsvTable, row: CsvRow, name: string): string {
  const column = table.columns.indexOf(name);
  return column < 0 ? '' : (row.cells[column] ?? '');
}

export function hasColumns(table: CsvTable, ...names: readonly string[]): boolean {
  return names.every((name) => table.columns.includes(name));
}

/** A cell that does not hold what it must, by row and column. */
export function badCell(table: CsvTable, row: CsvRow, column: string, expected: string): DataError {
  return new DataError(
    'data/cell',
    `${table.name}:${row.line}, column "${column}": expected ${expected}, got "${cellOf(table, row, column)}"`,
    'Correct the cell, or fetch the table again from where it was published.',
  );
}

/** The table with other cells in one column. */
export function mapColumn(table: CsvTable, name: string, cell: (row: CsvRow) => string): CsvTable {
  const column = table.columns.indexOf(name);
  return {
    ...table,
    rows: table.rows.map((row) => ({ ...row, cells: row.cells.map((old, i) => (i === column ? cell(row) : old)) })),
  };
}

/** The table with one more column. */
export function addColumn(table: CsvTable, name: string, cell: (row: CsvRow, index: number) => string): CsvTable {
  return {
    ...table,
    columns: [...table.columns, name],
    rows: table.rows.map((row, i) => ({ ...row, cells: [...row.cells, cell(row, i)] })),
  };
}

/** The table without some of its columns. */
export function dropColumns(table: CsvTable, drop: (name: string) => boolean): CsvTable {
  const kept = table.columns.flatMap((name, i) => (drop(name) ? [] : [i]));
  if (kept.length === table.columns.length) return table;
  return {
    ...table,
    columns: kept.map((i) => table.columns[i]!),
    rows: table.rows.map((row) => ({ ...row, cells: kept.map((i) => row.cells[i]!) })),
  };
}

/**
 * The table with the columns of a second one, row by row of the same key. Of columns that both have, those of the first stay.
 *
 * @throws {DataError} `data/cell` for a key that the second table has twice
 */
export function joinTables(table: CsvTable, second: CsvTable, key: string): CsvTable {
  const rows = new Map<string, CsvRow>();
  for (const row of second.rows) {
    const id = cellOf(second, row, key);
    if (rows.has(id)) throw badCell(second, row, key, 'every image once');
    rows.set(id, row);
  }
  return second.columns
    .filter((name) => !table.columns.includes(name))
    .reduce(
      (joined, name) =>
        addColumn(joined, name, (row) => {
          const other = rows.get(cellOf(joined, row, key));
          return other === undefined ? '' : cellOf(second, other, name);
        }),
      table,
    );
}

/** Takes rows out of a table. @param reasonOf why a row is left out, or undefined to keep it */
export function excludeRows(
  table: CsvTable,
  reasonOf: (row: CsvRow) => string | undefined,
): { readonly table: CsvTable; readonly excluded: readonly Problem[] } {
  const excluded: Problem[] = [];
  const rows = table.rows.filter((row) => {
    const detail = reasonOf(row);
    if (detail === undefined) return true;
    excluded.push({ kind: 'excluded', where: `${table.name}:${row.line}`, detail });
    return false;
  });
  return { table: { ...table, rows }, excluded };
}

/** `malignant` or `benign` for the cells 1 and 0, True and False. @throws {DataError} `data/cell` any other */
export function malignantOrBenign(table: CsvTable, row: CsvRow, column: string): string {
  switch (cellOf(table, row, column).toLowerCase()) {
    case '1':
    case '1.0':
    case 'true':
      return 'malignant';
    case '0':
    case '0.0':
    case 'false':
      return 'benign';
    case '':
      return '';
    default:
      throw badCell(table, row, column, '0 or 1, True or False');
  }
}
