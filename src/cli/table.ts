import { pad, printable, textWidth } from './text-width.ts';

export type Cell = string | number;

/**
 * Rows as aligned lines: a header, a rule, one line for each row. Columns of numbers stand to the right. Cells that a
 * short row lacks are empty.
 *
 * @returns lines without line breaks or trailing spaces
 */
export function table(headers: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const cells = [headers, ...rows].map((row) => headers.map((_, c) => printable(String(row[c] ?? ''))));
  const widths = headers.map((_, c) => Math.max(...cells.map((row) => textWidth(row[c]!))));
  const align = headers.map((_, c) => (isNumeric(rows.map((row) => row[c] ?? '')) ? 'right' : 'left'));
  const lines = cells.map((row) => row.map((cell, c) => pad(cell, widths[c]!, align[c])).join('  '));
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [lines[0]!, rule, ...lines.slice(1)].map((line) => line.trimEnd());
}

/** Whether a column holds numbers, perhaps with units or gaps. */
function isNumeric(column: readonly Cell[]): boolean {
  const filled = column.filter((cell) => cell !== '' && cell !== '–');
  return (
    filled.length > 0 &&
    filled.every((cell) => typeof cell === 'number' || /^[-+−]?[\d,]*\.?\d+(e[-+]?\d+)?( ?(%|s|ms|min))?$/i.test(cell))
  );
}
