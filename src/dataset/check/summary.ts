import type { DataCheck } from './check.ts';

/** How many examples of a finding are named. */
const NAMED = 3;

/** What a check found, in one sentence. */
export function checkSummary({ duplicates: { pairs, clusters }, suspicious }: DataCheck): string {
  const identical = pairs.filter((pair) => pair.identical).length;
  const copies =
    pairs.length === 0
      ? 'no image is a copy of another'
      : `${counted(identical, 'pair')} of identical files and ${counted(pairs.length - identical, 'pair')} of near-duplicates, in ${counted(clusters.length, 'group')}, each kept on one side`;
  const kinds = [...new Set(suspicious.map(({ kind }) => kind))].map(
    (kind) => `${suspicious.filter((one) => one.kind === kind).length} ${kind}`,
  );
  return `${copies}; ${kinds.length === 0 ? 'no unusual images' : `unusual images: ${kinds.join(', ')}`}`;
}

/** What somebody should look at before trusting a model that is trained on these data. */
export function checkWarnings({ conflicts, leaks }: DataCheck): string[] {
  const named = (texts: readonly string[]): string =>
    texts.slice(0, NAMED).join('; ') + (texts.length > NAMED ? `; and ${texts.length - NAMED} more` : '');
  const clashes = conflicts.map(
    ({ tie, examples }) =>
      `${tie}: ${named(examples.map(({ id, label }) => `${id} is ${label}`)).replaceAll(';', ',')}`,
  );
  const torn = leaks.map(
    ({ tie, examples }) =>
      `${tie}: ${named(examples.map(({ id, split }) => `${id} in ${split}`)).replaceAll(';', ',')}`,
  );
  return [
    ...(clashes.length === 0
      ? []
      : [`${counted(clashes.length, 'conflict')}, one thing with two labels: ${named(clashes)}`]),
    ...(torn.length === 0
      ? []
      : [
          `the prescribed splits have ${counted(torn.length, 'thing')} on two sides, which stay in test, else in val: ${named(torn)}`,
        ]),
  ];
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
