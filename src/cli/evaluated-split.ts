import { DataError } from '../core/errors.ts';
import { readSplits, type SplitRow } from '../dataset/splits-file.ts';
import type { Dataset, Example, Split } from '../dataset/types.ts';
import type { AskedRun } from './asked-run.ts';

/**
 * The examples of a split: exactly those of the run's `splits.csv` where the data are the run's own, else those that the
 * data themselves assign to it.
 *
 * @throws {DataError} no such split, or images of it that are missing from the data
 */
export function examplesOf(dataset: Dataset, split: Split, run: AskedRun | undefined): readonly Example[] {
  const rows = ownRows(dataset, run);
  if (rows !== undefined) return listed(dataset, rows, split);
  const prescribed = dataset.examples.filter((example) => example.split === split);
  if (prescribed.length > 0) return prescribed;
  const known = [...new Set(dataset.examples.flatMap((example) => example.split ?? []))];
  throw new DataError(
    'evaluate/split',
    `${dataset.root}: expected images of the split ${split}, got ${known.length === 0 ? 'data without splits' : `only ${known.join(', ')}`}`,
    run === undefined
      ? 'Leave --split out to evaluate all images, or give the folder of the run, which knows its split.'
      : 'The images are not those of the run. Leave --split out to evaluate all of them.',
  );
}

/** How many of the data's images the run was trained on. */
export function trainedOn(dataset: Dataset, run: AskedRun | undefined): number {
  return ownRows(dataset, run)?.filter((row) => row.split === 'train').length ?? 0;
}

/** The run's split, if the data hold any of its images. */
function ownRows(dataset: Dataset, run: AskedRun | undefined): readonly SplitRow[] | undefined {
  if (run === undefined) return undefined;
  const labelOf = new Map(dataset.examples.map(({ id, label }) => [id, label]));
  const rows = readSplits(run.splits, dataset.root);
  // An id alone, such as `1`, may be of another picture.
  return rows.some(({ id, label }) => labelOf.get(id) === label) ? rows : undefined;
}

function listed(dataset: Dataset, rows: readonly SplitRow[], split: Split): readonly Example[] {
  const wanted = new Set(rows.filter((row) => row.split === split).map(({ id }) => id));
  if (wanted.size === 0) {
    throw new DataError('evaluate/split', `splits.csv: expected images of the split ${split}, got none`);
  }
  const found = dataset.examples.filter(({ id }) => wanted.has(id));
  if (found.length < wanted.size) {
    const ids = new Set(found.map(({ id }) => id));
    const lost = [...wanted].filter((id) => !ids.has(id));
    throw new DataError(
      'evaluate/missing',
      `${dataset.root}: expected the ${wanted.size} images of the split ${split}, got ${found.length}; missing are ${lost.slice(0, 5).join(', ')}${lost.length > 5 ? ', …' : ''}`,
      'Give the data that the run was trained on. To evaluate what is there, leave --split out.',
    );
  }
  return found;
}
