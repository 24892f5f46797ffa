/** What is written beside the images: what is known of them, whose they are, and what may be done with them. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../core/files.ts';
import { formatCsv } from '../csv-text.ts';
import { licenceText, licenceUrl } from './licences.ts';
import type { ImageRecord } from './search.ts';

/** Writes `metadata.csv` (in the archive's own columns), `attribution.csv` and `licences/`. @returns images by licence */
export function writeTables(folder: string, records: readonly ImageRecord[]): Readonly<Record<string, number>> {
  const facts = records.map(factsOf);
  const names = [...new Set(facts.flatMap((fact) => Object.keys(fact)))].sort();
  const rows = records.map((record, i) => [
    record.isic_id,
    record.attribution,
    record.copyright_license,
    ...names.map((name) => text(facts[i]?.[name])),
  ]);
  writeFileAtomic(
    join(folder, 'metadata.csv'),
    formatCsv(['isic_id', 'attribution', 'copyright_license', ...names], rows),
  );
  writeFileAtomic(
    join(folder, 'attribution.csv'),
    formatCsv(
      ['isic_id', 'attribution', 'copyright_license', 'licence_url'],
      records.map((r) => [r.isic_id, r.attribution, r.copyright_license, licenceUrl(r.copyright_license)]),
    ),
  );
  const licences: Record<string, number> = {};
  for (const { copyright_license: name } of records) licences[name] = (licences[name] ?? 0) + 1;
  for (const [name, images] of Object.entries(licences)) {
    writeFileAtomic(join(folder, 'licences', `${name.replace(/[^\w.-]/g, '_')}.txt`), licenceText(name, images));
  }
  return licences;
}

function factsOf({ metadata }: ImageRecord): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.values(metadata).flatMap((facts) => Object.entries(facts)));
}

/** As the archive's own tables write it. */
function text(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
