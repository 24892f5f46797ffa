import { type Example, SPLITS, type Split } from '../types.ts';

/** What a class holds. */
export interface ClassContents {
  readonly label: string;
  readonly images: number;
  /** Different lesion ids; 0 where the data names none. */
  readonly lesions: number;
  readonly patients: number;
  /** Images per split; an image without one is in none. */
  readonly splits: Readonly<Record<Split, number>>;
}

/** Images per class, in the order of the labels. */
export function contentsOf(
  examples: readonly Example[],
  labels: readonly string[],
  splitOf: (id: string) => Split | undefined,
): ClassContents[] {
  return labels.map((label) => {
    const own = examples.filter((example) => example.label === label);
    const splits = { train: 0, val: 0, test: 0 };
    for (const { id } of own) {
      const split = splitOf(id);
      if (split !== undefined) splits[split]++;
    }
    return {
      label,
      images: own.length,
      lesions: distinct(own.map(({ lesionId }) => lesionId)),
      patients: distinct(own.map(({ patientId }) => patientId)),
      splits,
    };
  });
}

/** How many different values there are, undefined not counted. */
export function distinct(values: readonly (string | undefined)[]): number {
  return new Set(values.filter((value) => value !== undefined)).size;
}

/** How many images of a class were labelled in one way. */
export interface LabelSource {
  readonly label: string;
  /** As the data gives it: `histo`, `follow_up`, …; empty where it does not say. */
  readonly source: string;
  readonly images: number;
}

/** Columns that say how a label was established, by how well they say it. */
const SOURCE_COLUMNS = [
  'dx_type',
  'diagnosis_confirm_type',
  'diagnosis_confirmation',
  'label_source',
  'concomitant_biopsy',
  'biopsied',
  'biopsed',
  'histopathology',
];

/**
 * How the labels were established, class by class.
 *
 * @returns undefined where no column is known to say it
 */
export function labelSources(
  examples: readonly Example[],
  labels: readonly string[],
): { readonly column: string; readonly counts: readonly LabelSource[] } | undefined {
  const columns = columnsOf(examples);
  const column = SOURCE_COLUMNS.flatMap((name) => columns.filter((own) => own.toLowerCase() === name))[0];
  if (column === undefined) return undefined;
  const counts = labels.flatMap((label) => {
    const sources = new Map<string, number>();
    for (const example of examples) {
      if (example.label !== label) continue;
      const source = example.attributes[column] ?? '';
      sources.set(source, (sources.get(source) ?? 0) + 1);
    }
    return [...sources]
      .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
      .map(([source, images]) => ({ label, source, images }));
  });
  return { column, counts };
}

/** A column with gaps. */
export interface MissingValues {
  /** Its name in the data, or `lesion`, `patient` or `source`. */
  readonly column: string;
  readonly images: number;
  /** Of all images, in (0, 1]. */
  readonly share: number;
}

const UNKNOWN = ['', 'na', 'n/a', 'nan', 'none', 'null', 'unknown', '-'];

/** Columns that some images lack a value in (empty, `unknown`, `NA`, …). Ids that no image has are not columns. */
export function missingValues(examples: readonly Example[]): MissingValues[] {
  const all = examples.length;
  const ids = (['lesionId', 'patientId', 'source'] as const).map((key) => ({
    column: key.replace('Id', ''),
    images: examples.filter((example) => example[key] === undefined).length,
  }));
  const attributes = columnsOf(examples).map((column) => ({
    column,
    images: examples.filter(({ attributes: has }) => UNKNOWN.includes((has[column] ?? '').toLowerCase())).length,
  }));
  return [...ids.filter(({ images }) => images < all), ...attributes]
    .filter(({ images }) => images > 0)
    .map((one) => ({ ...one, share: one.images / all }));
}

function columnsOf(examples: readonly Example[]): string[] {
  return [...new Set(examples.flatMap(({ attributes }) => Object.keys(attributes)))];
}

/** Splits as the data prescribes them. */
export function prescribedSplits(examples: readonly Example[]): Map<string, Split> {
  return new Map(examples.flatMap(({ id, split }): [string, Split][] => (split === undefined ? [] : [[id, split]])));
}

/** Images per split. */
export function splitCounts(classes: readonly ClassContents[]): Record<Split, number> {
  const counts = { train: 0, val: 0, test: 0 };
  for (const { splits } of classes) for (const split of SPLITS) counts[split] += splits[split];
  return counts;
}
