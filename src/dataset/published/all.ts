import type { CsvTable } from '../csv-text.ts';
import { ddi } from './ddi.ts';
import { derm7pt } from './derm7pt.ts';
import { fitzpatrick17k } from './fitzpatrick17k.ts';
import { isicArchive } from './isic-archive.ts';
import { isic2020, isic2024, isicOneHot } from './isic-challenge.ts';
import { padUfes20 } from './pad-ufes-20.ts';
import type { PublishedTable } from './published-table.ts';

/** In the order in which they are tried: that of ISIC 2024 has columns of the archive's, too. */
const PUBLISHED: readonly PublishedTable[] = [
  isic2024,
  isicArchive,
  isicOneHot,
  isic2020,
  padUfes20,
  derm7pt,
  ddi,
  fitzpatrick17k,
];

/** The published data set that a table is of, by its columns; undefined if it is of none. */
export function publishedTable(table: CsvTable): PublishedTable | undefined {
  return PUBLISHED.find(({ fits }) => fits(table));
}
