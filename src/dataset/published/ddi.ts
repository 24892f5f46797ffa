import { dirname } from 'node:path';
import { dropColumns, hasColumns, malignantOrBenign, mapColumn } from './edit-table.ts';
import { type PublishedTable, readPublished } from './published-table.ts';

/**
 * Diverse Dermatology Images: `ddi_metadata.csv` with `DDI_file`, `malignant` (True or False), `skin_tone` (12, 34, 56: pairs
 * of Fitzpatrick types) and `disease`, which can be taken as a finer label.
 *
 * @see Daneshjou et al. 2022, doi:10.1126/sciadv.abq6147
 */
export const ddi: PublishedTable = {
  fits: (table) => hasColumns(table, 'DDI_file', 'malignant', 'skin_tone'),
  read: (path, table, options) => {
    // The first column is a running number without a name.
    const bare = dropColumns(table, (name) => name === '' || name.startsWith('Unnamed'));
    return readPublished({
      format: 'ddi',
      root: dirname(path),
      table: mapColumn(bare, 'malignant', (row) => malignantOrBenign(bare, row, 'malignant')),
      usual: { image: 'DDI_file', idColumn: 'DDI_file', label: 'malignant' },
      options,
      answers: 'malignant',
    });
  },
};
