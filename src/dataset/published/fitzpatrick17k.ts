import { dirname } from 'node:path';
import { badCell, cellOf, excludeRows, hasColumns, mapColumn } from './edit-table.ts';
import { type PublishedTable, readPublished } from './published-table.ts';

const PARTS = ['benign', 'malignant', 'non-neoplastic', ''];
const TYPES = ['-1', '1', '2', '3', '4', '5', '6', ''];

/**
 * Fitzpatrick17k: `fitzpatrick17k.csv`, whose images are called by `md5hash`. The label is `three_partition_label` (benign,
 * malignant, non-neoplastic); `nine_partition_label` and `label` are finer. A `fitzpatrick_scale` of −1 means unknown and
 * becomes an empty cell. Images that the reviewers called wrongly labelled (`qc` 3) are left out.
 *
 * @see Groh et al. 2021, arXiv:2104.09957
 */
export const fitzpatrick17k: PublishedTable = {
  fits: (table) => hasColumns(table, 'md5hash', 'three_partition_label'),
  read: (path, table, options) => {
    const { table: kept, excluded } = excludeRows(table, (row) => {
      const qc = cellOf(table, row, 'qc');
      return qc.startsWith('3') ? `the reviewers say "${qc}"` : undefined;
    });
    for (const row of kept.rows)
      if (!PARTS.includes(cellOf(kept, row, 'three_partition_label')))
        throw badCell(kept, row, 'three_partition_label', 'benign, malignant or non-neoplastic');
    return readPublished({
      format: 'fitzpatrick17k',
      root: dirname(path),
      table: mapColumn(kept, 'fitzpatrick_scale', (row) => {
        const type = cellOf(kept, row, 'fitzpatrick_scale').replace(/\.0$/, '');
        if (!TYPES.includes(type)) throw badCell(kept, row, 'fitzpatrick_scale', '1 to 6, or -1');
        return type === '-1' ? '' : type;
      }),
      usual: { image: 'md5hash', idColumn: 'md5hash', label: 'three_partition_label' },
      options,
      excluded,
      answers: 'three_partition_label',
    });
  },
};
