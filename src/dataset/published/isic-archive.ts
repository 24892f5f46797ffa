import { dirname } from 'node:path';
import type { ColumnOptions } from '../columns.ts';
import type { CsvRow, CsvTable } from '../csv-text.ts';
import { cellOf, excludeRows, hasColumns, mapColumn } from './edit-table.ts';
import { type PublishedTable, readPublished } from './published-table.ts';

/**
 * The metadata table of the ISIC Archive, as its gallery, its own tool and `nevus data isic` write it: `isic_id`,
 * `diagnosis_1` … `diagnosis_5` from coarse to fine, `lesion_id`, `patient_id`; older ones have `benign_malignant` and
 * `diagnosis`. The label is benign or malignant; with `label: diagnosis_3` it is the diagnosis down to that level: where a
 * cell is empty, the next coarser one is taken. Everything else (`concomitant_biopsy`, `diagnosis_confirm_type`, acquisition,
 * licence) are attributes, and the attribution is the source.
 *
 * What the archive calls indeterminate is neither benign nor malignant and is left out.
 */
export const isicArchive: PublishedTable = {
  fits: (table) => hasColumns(table, 'isic_id') && answersOf(table) !== undefined,
  read: (path, table, options) => {
    const root = dirname(path);
    const answers = answersOf(table) ?? 'diagnosis_1';
    const { table: decided, excluded } = excludeRows(table, (row) => {
      const answer = cellOf(table, row, answers);
      return answer.toLowerCase().startsWith('indeterminate') ? `${answers} is ${answer}` : undefined;
    });
    const label = options.label ?? answers;
    return readPublished({
      format: 'isic-archive',
      root,
      table: withCoarser(decided, label),
      usual: usualColumns(table, answers),
      options,
      excluded,
      answers,
    });
  },
};

function answersOf(table: CsvTable): string | undefined {
  return ['diagnosis_1', 'benign_malignant'].find((name) => table.columns.includes(name));
}

function usualColumns(table: CsvTable, label: string): ColumnOptions {
  const source = hasColumns(table, 'attribution') ? { source: 'attribution' } : {};
  return { image: 'isic_id', idColumn: 'isic_id', label, ...source };
}

/** Empty cells of a fine level filled from the level above; benign and malignant alone are no diagnosis. */
function withCoarser(table: CsvTable, label: string): CsvTable {
  const level = Number(/^diagnosis_([2-5])$/.exec(label)?.[1] ?? 1);
  if (level < 2 || !hasColumns(table, label)) return table;
  const names = Array.from({ length: level - 1 }, (_, i) => `diagnosis_${level - i}`);
  const finest = (row: CsvRow): string =>
    names.map((name) => cellOf(table, row, name)).find((cell) => cell !== '') ?? '';
  return mapColumn(table, label, finest);
}
