import { judged, type RunFacts } from './facts.ts';

/** Columns that say how a label was established, in the order of preference. */
const COLUMNS = ['dx_type', 'diagnosis_confirm_type', 'concomitant_biopsy', 'biopsed'] as const;

export interface Ascertainment {
  readonly column: string;
  readonly n: number;
  /** Images whose label histology confirmed. */
  readonly histology: number;
}

/** The column of the data that says how labels were established. */
export function ascertainmentColumn(names: ReadonlySet<string>): string | undefined {
  return COLUMNS.find((name) => names.has(name));
}

/** What a value of that column means. */
export function ascertainmentName(value: string): string {
  const known: Readonly<Record<string, string>> = {
    histo: 'histology',
    histopathology: 'histology',
    follow_up: 'follow-up',
    consensus: 'consensus of experts',
    confocal: 'confocal microscopy',
    true: 'biopsy',
    false: 'no biopsy',
  };
  return known[value.toLowerCase()] ?? value;
}

/** How many labels of the judged partition histology confirmed; undefined where the data do not say. */
export function ascertainmentOf(facts: RunFacts): Ascertainment | undefined {
  const { examples } = judged(facts).predictions;
  const column = ascertainmentColumn(new Set(examples.flatMap(({ attributes }) => Object.keys(attributes))));
  if (column === undefined) return undefined;
  const histology = examples.filter(({ attributes }) =>
    ['histology', 'biopsy'].includes(ascertainmentName(attributes[column] ?? '')),
  ).length;
  return { column, n: examples.length, histology };
}
