import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse } from 'csv-parse/sync';
import { DataError, messageOf } from '../core/errors.ts';

/** A table as text: a header and rows of as many cells. */
export interface CsvTable {
  /** How errors name the table: its file name. */
  readonly name: string;
  /** Column names, trimmed, as the file spells them; none twice. */
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

export interface CsvRow {
  /** Line of the file where the row ends, the header being line 1. */
  readonly line: number;
  /** One trimmed cell per column; cells that a short row lacks are empty. */
  readonly cells: readonly string[];
}

/**
 * Reads a CSV file: UTF-8 with or without byte-order mark, any line ends, quotes as in RFC 4180, separated by comma, semicolon
 * or tab (whichever the header has most of).
 *
 * @throws {DataError} `data/csv` unreadable, not UTF-8, without a header, with a column twice, or with broken quotes
 */
export function readCsv(path: string): CsvTable {
  const name = basename(path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw new DataError(
      'data/csv',
      `${path}: expected a CSV table in UTF-8: ${messageOf(error)}`,
      'Save the table as "CSV UTF-8".',
      { cause: error },
    );
  }
  return parseCsv(text, name);
}

/**
 * Parses the text of a CSV table.
 *
 * @param name how errors name the table
 * @throws {DataError} `data/csv`
 */
export function parseCsv(text: string, name: string): CsvTable {
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const lines: number[] = [];
  let records: string[][];
  try {
    records = parse(body, {
      delimiter: delimiterOf(body),
      trim: true,
      skip_empty_lines: true,
      relax_column_count_less: true,
      on_record: (record: string[], context) => {
        lines.push(context.lines);
        return record;
      },
    });
  } catch (error) {
    throw new DataError(
      'data/csv',
      `${name}: expected a CSV table: ${messageOf(error)}`,
      'Repair the line; cells that hold the separator or a quote must be quoted.',
      { cause: error },
    );
  }
  const [header, ...rest] = records;
  if (header === undefined) throw new DataError('data/csv', `${name}: expected a header line, got an empty file`);
  const columns = header;
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined) {
    throw new DataError('data/csv', `${name}: expected each column once, got "${twice}" twice`, 'Rename one of them.');
  }
  return {
    name,
    columns,
    rows: rest.map((record, r) => ({
      line: lines[r + 1]!,
      cells: columns.map((_, i) => record[i] ?? ''),
    })),
  };
}

/** A CSV table as text: comma, line feed, and quotes only where RFC 4180 needs them. */
export function formatCsv(columns: readonly string[], rows: Iterable<readonly string[]>): string {
  const lines = [columns.map(quote).join(',')];
  for (const row of rows) lines.push(row.map(quote).join(','));
  return `${lines.join('\n')}\n`;
}

function quote(cell: string): string {
  // Spaces at the ends are quoted too: readers, this one among them, trim bare cells.
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function delimiterOf(text: string): string {
  const header = text.split(/\r?\n/, 1)[0] ?? '';
  const count = (delimiter: string): number => header.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best));
}
