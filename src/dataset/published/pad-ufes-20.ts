import { dirname } from 'node:path';
import { hasColumns } from './edit-table.ts';
import { type PublishedTable, readPublished } from './published-table.ts';

/**
 * PAD-UFES-20: `metadata.csv` with `img_id`, `diagnostic` (ACK, BCC, MEL, NEV, SCC, SEK), `patient_id`, `lesion_id`; the
 * photographs anywhere below it. `biopsed`, `fitspatrick`, `age`, `gender`, `region`, … are attributes.
 *
 * @see Pacheco et al. 2020, doi:10.1016/j.dib.2020.106221
 */
export const padUfes20: PublishedTable = {
  fits: (table) => hasColumns(table, 'img_id', 'diagnostic', 'patient_id', 'lesion_id', 'biopsed'),
  read: (path, table, options) =>
    readPublished({
      format: 'pad-ufes-20',
      root: dirname(path),
      table,
      usual: { image: 'img_id', idColumn: 'img_id', label: 'diagnostic' },
      options,
    }),
};
