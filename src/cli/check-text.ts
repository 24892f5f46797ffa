import type { DataCheck } from '../dataset/check/check.ts';
import { splitCounts } from '../dataset/check/contents.ts';
import { sourceNames } from '../dataset/check/page.ts';
import { problemTable } from '../dataset/problems.ts';
import { SPLITS } from '../dataset/types.ts';
import { grouped } from './format.ts';
import { type Cell, table } from './table.ts';

/** Lines of each list; the files have all. */
const SHOWN = 10;

/** What a check found, for the terminal. */
export function checkText(check: DataCheck): string[] {
  return [
    '',
    ...contents(check),
    ...missing(check),
    ...problems(check),
    ...unusual(check),
    ...copies(check),
    ...list(
      'conflicts: one thing with two labels',
      check.conflicts.map(({ tie, examples }) => `${tie}: ${few(examples.map(({ id, label }) => `${id} ${label}`))}`),
    ),
    ...(check.splits === 'none'
      ? ['', 'leaks: the data prescribes no splits; training keeps lesions, patients and identical files on one side']
      : list(
          'leaks: one thing on two sides of the split',
          check.leaks.map(({ tie, key, examples }) => {
            const name = tie === 'lesion' || tie === 'patient' ? ` ${key}` : '';
            return `${tie}${name}: ${few(examples.map(({ id, split }) => `${id} in ${split}`))}`;
          }),
        )),
  ];
}

function contents(check: DataCheck): string[] {
  const hasSplits = check.splits !== 'none';
  const sources = sourceNames(check);
  const row = (
    label: string,
    {
      images,
      lesions,
      patients,
      splits,
    }: Pick<DataCheck['classes'][number], 'images' | 'lesions' | 'patients' | 'splits'>,
    sourced: (source: string) => number,
  ): Cell[] => [
    label,
    images,
    ...(check.lesions > 0 ? [lesions] : []),
    ...(check.patients > 0 ? [patients] : []),
    ...(hasSplits ? SPLITS.map((split) => splits[split]) : []),
    ...sources.map(sourced),
  ];
  const sourced = (source: string, label?: string): number =>
    (check.labelSources?.counts ?? [])
      .filter((one) => (one.source || 'not said') === source && (label === undefined || one.label === label))
      .reduce((sum, { images }) => sum + images, 0);
  const headers = [
    'class',
    'images',
    ...(check.lesions > 0 ? ['lesions'] : []),
    ...(check.patients > 0 ? ['patients'] : []),
    ...(hasSplits ? SPLITS : []),
    ...sources,
  ];
  const rows = check.classes.map((one) => row(one.label, one, (source) => sourced(source, one.label)));
  const all = row('all', { ...check, splits: splitCounts(check.classes) }, (source) => sourced(source));
  const said =
    check.labelSources === undefined
      ? 'how labels were established: the data does not say'
      : `how labels were established: ${check.labelSources.column}, the last columns`;
  return [`${grouped(check.images)} images (${check.data.format})`, ...table(headers, [...rows, all]), said];
}

function missing({ missing: columns }: DataCheck): string[] {
  if (columns.length === 0) return ['missing values: none'];
  const text = columns.map(
    ({ column, images, share }) => `${column} ${grouped(images)} (${(100 * share).toFixed(1)} %)`,
  );
  return [`missing values: ${text.join(', ')}`];
}

function problems(check: DataCheck): string[] {
  return check.problems.length === 0 ? [] : ['', problemTable(check.problems, SHOWN)];
}

function unusual({ suspicious }: DataCheck): string[] {
  const kinds = new Map<string, string[]>();
  for (const { id, kind } of suspicious) kinds.set(kind, [...(kinds.get(kind) ?? []), id]);
  return list(
    'unusual images',
    [...kinds].map(([kind, ids]) => `${kind}: ${few(ids, ids.length)}`),
    suspicious.length,
  );
}

function copies({ duplicates: { pairs, clusters } }: DataCheck): string[] {
  const identical = pairs.filter((pair) => pair.identical);
  const near = pairs.filter((pair) => !pair.identical);
  const strange = pairs.filter(({ related }) => related === 'no');
  return [
    '',
    `copies: ${identical.length} identical ${noun('pair', identical.length)}, ${near.length} near-duplicate ${noun('pair', near.length)}, in ${clusters.length} ${noun('group', clusters.length)}`,
    ...limited(identical.map(({ ids }) => `identical: ${ids.join(', ')}`)),
    ...limited(
      strange
        .filter((pair) => !pair.identical)
        .map(
          ({ ids, detail }) =>
            `near-duplicates of different lesions or patients: ${ids.join(', ')} (details alike to ${(100 * detail).toFixed(0)} %)`,
        ),
    ),
  ];
}

function list(title: string, lines: readonly string[], count = lines.length): string[] {
  return ['', count === 0 ? `${title}: none` : `${title}: ${count}`, ...limited(lines)];
}

function limited(lines: readonly string[]): string[] {
  const more = lines.length > SHOWN ? [`  … and ${lines.length - SHOWN} more`] : [];
  return [...lines.slice(0, SHOWN).map((line) => `  ${line}`), ...more];
}

function few(texts: readonly string[], count?: number): string {
  const most = 4;
  const more = texts.length > most ? `, … and ${texts.length - most} more` : '';
  return `${count === undefined ? '' : `${count}, such as `}${texts.slice(0, most).join(', ')}${more}`;
}

const noun = (word: string, count: number): string => (count === 1 ? word : `${word}s`);
