import { DataError } from '../core/errors.ts';
import { problemTable } from './problems.ts';
import { taxonomyFor } from './taxonomy.ts';
import type { Dataset, Example, Problem, Taxonomy } from './types.ts';

/** What a reader found. */
export interface Reading {
  readonly root: string;
  readonly format: Dataset['format'];
  readonly examples: readonly Example[];
  readonly problems: readonly Problem[];
  /** The data set's own answer to malignant or benign; taken before the built-in one. */
  readonly taxonomy?: Taxonomy;
}

/**
 * A data set from what a reader found: with its labels in the order of the model's outputs, and the taxonomy that fits.
 *
 * @param minLabels how many classes there must be: 2 to train, 1 to evaluate
 * @throws {DataError} `data/no-images`, `data/one-class`
 */
export function assembleDataset(reading: Reading, minLabels: number): Dataset {
  const { root, examples, problems } = reading;
  const because = problems.length === 0 ? '' : `:\n${problemTable(problems)}`;
  if (examples.length === 0) {
    throw new DataError(
      'data/no-images',
      `${root}: expected labelled images, got none${because}`,
      'Give a folder with one folder of images per class, or a table with an image and a label column.',
    );
  }
  // The default order is by UTF-16 code unit, the same in every locale.
  const labels = [...new Set(examples.map(({ label }) => label))].sort();
  if (labels.length < minLabels) {
    throw new DataError(
      'data/one-class',
      `${root}: expected at least ${minLabels} classes, got one, "${labels.join('')}" (${examples.length} images)${because}`,
      reading.format === 'folders'
        ? 'If that folder holds the class folders, give its path; else add a folder for the other class.'
        : 'Add images of another class, or choose another label column with --label.',
    );
  }
  const taxonomy = reading.taxonomy ?? taxonomyFor(labels);
  return { ...reading, labels, ...(taxonomy === undefined ? {} : { taxonomy }) };
}
