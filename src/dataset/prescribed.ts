import { DataError } from '../core/errors.ts';
import { type CopiesOf, type GroupBy, groupExamples, type Sha256Of } from './groups.ts';
import { MAX_PROBLEM_SHARE } from './problems.ts';
import { type Example, SPLITS } from './types.ts';

/**
 * The examples of a prescribed split without those that would leak: where a group (lesion, patient, copies of an image) is in several
 * splits, its images stay in test, else in val, and leave the others. Published splits hold a few such copies: ISIC 2017 has one
 * file in train and in val.
 *
 * @param examples each with a split
 * @throws {DataError} `split/overlap` if more than 5 % of the examples would have to leave: the split was made without regard
 *   to lesions or patients, and what remains would be another data set
 */
export function withoutOverlaps(
  examples: readonly Example[],
  groupBy: GroupBy,
  sha256Of?: Sha256Of,
  copiesOf?: CopiesOf,
): Example[] {
  const leaving = new Set<string>();
  let torn: Example[] = [];
  for (const group of groupExamples(examples, groupBy, sha256Of, copiesOf)) {
    const present = new Set(group.examples.map(({ split }) => split));
    if (present.size < 2) continue;
    torn = torn.length === 0 ? [...group.examples] : torn;
    const keeper = SPLITS.findLast((split) => present.has(split));
    for (const { id, split } of group.examples) if (split !== keeper) leaving.add(id);
  }
  if (leaving.size > examples.length * MAX_PROBLEM_SHARE) {
    const sample = torn.slice(0, 3).map(({ id, split }) => `${id} in ${split}`);
    throw new DataError(
      'split/overlap',
      `split: expected prescribed splits that share no lesion, patient or image, got ${leaving.size} of ${examples.length} images with relatives in another split, such as ${sample.join(', ')}`,
      'Remove the split column to have the data split by lesion and patient.',
    );
  }
  return examples.filter(({ id }) => !leaving.has(id));
}
