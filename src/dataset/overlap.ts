import { DataError } from '../core/errors.ts';
import type { CopiesOf, Sha256Of } from './groups.ts';
import type { Example, Split } from './types.ts';

/** How many different lesions, patients, files and groups of near-duplicates were checked, none of them on two sides. */
export interface OverlapProof {
  readonly lesions: number;
  readonly patients: number;
  readonly files: number;
  readonly copies: number;
}

/**
 * Proves that no lesion, no patient, no file and no near-duplicates are in two splits. It looks at the finished split, not at how it was made.
 *
 * @param splits by example id; examples without split take part in nothing
 * @param sha256Of hash of an example's file. Default: none known, and `files` of the proof is 0
 * @param copiesOf what near-duplicates of an example are called. Default: none known, and `copies` of the proof is 0
 * @throws {DataError} `split/overlap`, naming the first five that are on two sides
 */
export function proveNoOverlap(
  splits: ReadonlyMap<string, Split>,
  examples: readonly Example[],
  sha256Of?: Sha256Of,
  copiesOf?: CopiesOf,
): OverlapProof {
  const overlaps: string[] = [];
  const check = (what: string, keyOf: (example: Example) => string | undefined): number => {
    const first = new Map<string, Example>();
    const reported = new Set<string>();
    for (const example of examples) {
      const key = keyOf(example);
      const split = splits.get(example.id);
      if (key === undefined || split === undefined) continue;
      const other = first.get(key);
      if (other === undefined) first.set(key, example);
      else if (splits.get(other.id) !== split && !reported.has(key)) {
        reported.add(key);
        overlaps.push(`${what} ${key}: ${other.id} in ${splits.get(other.id)}, ${example.id} in ${split}`);
      }
    }
    return first.size;
  };
  const proof = {
    lesions: check('lesion', ({ lesionId }) => lesionId),
    patients: check('patient', ({ patientId }) => patientId),
    files: check('file', ({ id }) => sha256Of?.(id)),
    copies: check('near-duplicates of', ({ id }) => copiesOf?.(id)),
  };
  if (overlaps.length === 0) return proof;
  const more = overlaps.length > 5 ? `\n… and ${overlaps.length - 5} more` : '';
  throw new DataError(
    'split/overlap',
    `split: expected nothing on two sides, got ${overlaps.length} on two:\n${overlaps.slice(0, 5).join('\n')}${more}`,
    'Remove the copies, or correct or remove the split that the data prescribes.',
  );
}
