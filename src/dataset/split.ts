import { DataError, UsageError } from '../core/errors.ts';
import { type CopiesOf, type GroupBy, groupExamples, type Sha256Of } from './groups.ts';
import { placeGroups, type Share } from './place.ts';
import { withoutOverlaps } from './prescribed.ts';
import { type Example, SPLITS, type Split } from './types.ts';

/** Shares of the splits; they sum to 1. A share of 0 leaves the split empty; `train` needs more. */
export type Fractions = Readonly<Record<Split, number>>;

export const DEFAULT_FRACTIONS: Fractions = { train: 0.7, val: 0.15, test: 0.15 };

export interface SplitOptions {
  /** Any integer: another seed, another split. */
  readonly seed: number;
  /** Default 0.70 / 0.15 / 0.15. */
  readonly fractions?: Fractions;
  /** Default `auto`: by lesion and patient, wherever the data names them. */
  readonly groupBy?: GroupBy;
  /** Joins identical files, so that no copy is on the other side. Default: none known. */
  readonly sha256Of?: Sha256Of;
  /** Joins near-duplicates likewise. Default: none known. */
  readonly copiesOf?: CopiesOf;
  /** A source whose images all become the validation set; train and test share the others. */
  readonly validationSource?: string;
  /** Obey the splits that the data prescribes, if it does. Default true. */
  readonly obeyPrescribed?: boolean;
}

/**
 * Divides examples into train, val and test.
 *
 * - Prescribed splits are obeyed, but for a few images whose lesion, patient or copy is in another split: they are left out
 *   (see `withoutOverlaps`). Of val and test, one that the data lacks is carved out of its train: groups of train
 *   go there by hash, as many as its fraction : train's fraction says.
 * - A `validationSource` is held out whole, with every group that has an image of it.
 * - Else groups are placed by a stable hash (see `placeGroups`): adding images never moves old groups, classes are stratified on
 *   average, and every class occurs in every split.
 *
 * @param examples with unique ids
 * @returns split by example id, in the order of the examples; an id that is missing is in no split
 * @throws {UsageError} `split/fractions`, `split/no-groups`, `split/source`
 * @throws {DataError} `split/too-few`, `split/class`, `split/prescribed`, `split/overlap`
 */
export function splitDataset(examples: readonly Example[], options: SplitOptions): Map<string, Split> {
  const { fractions = DEFAULT_FRACTIONS, obeyPrescribed = true, validationSource } = options;
  checkFractions(fractions);
  const prescribed = obeyPrescribed && examples.some(({ split }) => split !== undefined);
  if (prescribed && validationSource !== undefined) {
    throw new UsageError(
      'split/source',
      'split: expected either a validation source or splits prescribed by the data, got both',
      'Leave out --validation-source, or the split column.',
    );
  }
  const splitOf = prescribed
    ? obey(examples, options, fractions)
    : validationSource === undefined
      ? place(examples, options, sharesOf(SPLITS, fractions))
      : holdOut(examples, options, fractions, validationSource);
  requireInTrain(examples, splitOf);
  // Once more in the order of the examples, whichever way the splits were found.
  return new Map(
    examples.flatMap(({ id }): [string, Split][] => {
      const split = splitOf.get(id);
      return split === undefined ? [] : [[id, split]];
    }),
  );
}

function obey(examples: readonly Example[], options: SplitOptions, fractions: Fractions): Map<string, Split> {
  const without = examples.filter(({ split }) => split === undefined);
  if (without.length > 0) {
    throw new DataError(
      'split/prescribed',
      `split: expected a prescribed split for every image or none, got ${without.length} of ${examples.length} without, such as ${without[0]!.id}`,
      'Complete the split column, or remove it.',
    );
  }
  const present = new Set(examples.map(({ split }) => split));
  if (!present.has('train')) {
    throw new DataError(
      'split/prescribed',
      `split: expected a prescribed train split, got only ${[...present].join(', ')}`,
      'Name the training images train.',
    );
  }
  const carved = SPLITS.filter((split) => split === 'train' || !present.has(split));
  const kept = withoutOverlaps(examples, options.groupBy ?? 'auto', options.sha256Of, options.copiesOf);
  const pool = kept.filter(({ split }) => split === 'train');
  const splitOf = place(pool, options, sharesOf(carved, fractions));
  for (const { id, split } of kept) if (split !== undefined && split !== 'train') splitOf.set(id, split);
  return splitOf;
}

function holdOut(
  examples: readonly Example[],
  options: SplitOptions,
  fractions: Fractions,
  validationSource: string,
): Map<string, Split> {
  const sources = new Set(examples.flatMap(({ source }) => source ?? []));
  if (!sources.has(validationSource)) {
    throw new UsageError(
      'split/source',
      `split: expected a validation source that images come from, got "${validationSource}"`,
      sources.size === 0 ? 'The data has no source column.' : `The sources are: ${[...sources].sort().join(', ')}.`,
    );
  }
  const groups = groupExamples(examples, options.groupBy ?? 'auto', options.sha256Of, options.copiesOf);
  const held = groups
    .filter((group) => group.examples.some(({ source }) => source === validationSource))
    .flatMap((group) => group.examples.map(({ id }) => id));
  const isHeld = new Set(held);
  const rest = examples.filter(({ id }) => !isHeld.has(id));
  const splitOf = place(rest, options, sharesOf(['train', 'test'], fractions));
  for (const id of held) splitOf.set(id, 'val');
  return splitOf;
}

function place(examples: readonly Example[], options: SplitOptions, shares: readonly Share[]): Map<string, Split> {
  const groups = groupExamples(examples, options.groupBy ?? 'auto', options.sha256Of, options.copiesOf);
  const splitOf = new Map<string, Split>();
  for (const [group, split] of placeGroups(groups, options.seed, shares)) {
    for (const { id } of group.examples) splitOf.set(id, split);
  }
  return splitOf;
}

function sharesOf(splits: readonly Split[], fractions: Fractions): Share[] {
  return splits.flatMap((split) => (fractions[split] > 0 ? [{ split, share: fractions[split] }] : []));
}

function requireInTrain(examples: readonly Example[], splitOf: ReadonlyMap<string, Split>): void {
  const trained = new Set(examples.filter(({ id }) => splitOf.get(id) === 'train').map(({ label }) => label));
  const absent = [...new Set(examples.map(({ label }) => label))].filter((label) => !trained.has(label)).sort();
  if (absent.length === 0) return;
  throw new DataError(
    'split/class',
    `split: expected every class among the training images, got none of ${absent.join(', ')}`,
    'Add training images of these classes, or leave the classes out.',
  );
}

function checkFractions(fractions: Fractions): void {
  const values = SPLITS.map((split) => fractions[split]);
  const sum = values.reduce((total, value) => total + value, 0);
  // Written so that NaN fails.
  const valid = values.every((value) => value >= 0) && fractions.train > 0 && Math.abs(sum - 1) <= 1e-6;
  if (valid) return;
  throw new UsageError(
    'split/fractions',
    `split: expected fractions ≥ 0 for train, val and test that sum to 1, train > 0, got ${values.join(', ')}`,
    'The default is 0.70, 0.15, 0.15.',
  );
}
