import { resolve } from 'node:path';
import { DataError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { formatCsv, readCsv } from './csv-text.ts';
import { relativePath } from './files.ts';
import { splitOfName } from './split-name.ts';
import type { Example, Split } from './types.ts';

const COLUMNS = ['id', 'path', 'label', 'lesion_id', 'patient_id', 'split'] as const;

/** A row of `splits.csv`. */
export interface SplitRow {
  readonly id: string;
  /** Absolute. */
  readonly path: string;
  readonly label: string;
  readonly lesionId?: string;
  readonly patientId?: string;
  readonly split: Split;
}

/**
 * Writes which example is in which split: `id,path,label,lesion_id,patient_id,split`, paths relative to the data set's root
 * (absolute where they lie outside it), in the order of the examples.
 *
 * @param splits by example id; examples without split are left out
 * @throws {EnvironmentError} no space, no permission
 */
export function writeSplits(
  file: string,
  root: string,
  examples: readonly Example[],
  splits: ReadonlyMap<string, Split>,
): void {
  const rows = examples.flatMap(({ id, path, label, lesionId, patientId }) => {
    const split = splits.get(id);
    return split === undefined ? [] : [[id, relativePath(root, path), label, lesionId ?? '', patientId ?? '', split]];
  });
  writeFileAtomic(file, formatCsv(COLUMNS, rows));
}

/**
 * Reads what `writeSplits` wrote.
 *
 * @param root what relative paths are relative to
 * @throws {DataError} `data/csv` unreadable; `split/file` a missing column, an empty id or an unknown split
 */
export function readSplits(file: string, root: string): SplitRow[] {
  const table = readCsv(file);
  const position = COLUMNS.map((column) => table.columns.indexOf(column));
  if (position.includes(-1)) {
    throw new DataError(
      'split/file',
      `${file}: expected the columns ${COLUMNS.join(', ')}, got ${table.columns.join(', ')}`,
    );
  }
  return table.rows.map(({ line, cells }) => {
    const [id = '', path = '', label = '', lesionId = '', patientId = '', name = ''] = position.map((i) => cells[i]);
    const split = splitOfName(name);
    if (id === '' || split === undefined) {
      throw new DataError('split/file', `${file}:${line}: expected an id and a split, got "${id}" and "${name}"`);
    }
    return {
      id,
      path: resolve(root, path),
      label,
      ...(lesionId === '' ? {} : { lesionId }),
      ...(patientId === '' ? {} : { patientId }),
      split,
    };
  });
}
