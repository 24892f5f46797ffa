import { disjointSets } from '../core/disjoint-sets.ts';
import { UsageError } from '../core/errors.ts';
import type { Example } from './types.ts';

/** What must not be torn apart: `auto` is lesion and patient, wherever the data names them. */
export type GroupBy = 'auto' | 'lesion' | 'patient' | 'none';

/** The SHA-256 of an example's file, or undefined where it is not known. */
export type Sha256Of = (id: string) => string | undefined;

/** What copies of one image are called that an example is one of, or undefined for an example without copies. */
export type CopiesOf = (id: string) => string | undefined;

/** Examples that belong to one patient or lesion, or show the same picture. */
export interface Group {
  /** What the group is called by the hash that places it; see `groupExamples`. */
  readonly key: string;
  readonly examples: readonly Example[];
}

/**
 * Connected components: two examples are joined if they share a lesion, a patient, or every byte of their files, or are
 * near-duplicates.
 *
 * The key of a component is its smallest patient id, else its smallest lesion id, else its smallest file hash, else its
 * smallest example id. Ids grow with time, so images that are added later seldom change the smallest; and a file hash stays the same
 * when an image is renamed or its label is corrected. Near-duplicates give no key: a component is called as it was without them,
 * and where they join two, as the one with the smaller key.
 *
 * @param sha256Of joins identical files, whatever `groupBy` says. Default: none known
 * @param copiesOf joins near-duplicates, whatever `groupBy` says. Default: none known
 * @returns in the order of their first examples
 * @throws {UsageError} `split/no-groups` if `groupBy` asks for ids that no example has
 */
export function groupExamples(
  examples: readonly Example[],
  groupBy: GroupBy,
  sha256Of?: Sha256Of,
  copiesOf?: CopiesOf,
): Group[] {
  const byLesion = groupBy === 'auto' || groupBy === 'lesion';
  const byPatient = groupBy === 'auto' || groupBy === 'patient';
  if (groupBy === 'lesion' || groupBy === 'patient') {
    const has = examples.some(({ lesionId, patientId }) => (groupBy === 'lesion' ? lesionId : patientId) !== undefined);
    if (!has) {
      throw new UsageError(
        'split/no-groups',
        `split: expected a ${groupBy} id with some images to group by, got none`,
        'Name the column with --group, or group by auto or none.',
      );
    }
  }

  const sets = disjointSets(examples.length);
  // The kind is the first letter and kept apart by a colon, so that no lesion can be taken for a patient.
  const keys = examples.map(({ id, lesionId, patientId }) => {
    const hash = sha256Of?.(id);
    const copies = copiesOf?.(id);
    return [
      ...(byPatient && patientId !== undefined ? [`patient:${patientId}`] : []),
      ...(byLesion && lesionId !== undefined ? [`lesion:${lesionId}`] : []),
      ...(hash === undefined ? [] : [`sha256:${hash}`]),
      ...(copies === undefined ? [] : [`copies:${copies}`]),
    ];
  });
  const firstWith = new Map<string, number>();
  keys.forEach((list, i) => {
    for (const key of list) {
      const first = firstWith.get(key);
      if (first === undefined) firstWith.set(key, i);
      else sets.join(first, i);
    }
  });

  return sets.sets().map((list) => ({
    key: groupKey(
      list.flatMap((i) => keys[i]!),
      list.map((i) => examples[i]!.id),
    ),
    examples: list.map((i) => examples[i]!),
  }));
}

function groupKey(keys: readonly string[], ids: readonly string[]): string {
  for (const kind of ['patient:', 'lesion:', 'sha256:']) {
    const ofKind = keys.filter((key) => key.startsWith(kind));
    if (ofKind.length > 0) return smallest(ofKind);
  }
  return `id:${smallest(ids)}`;
}

function smallest(texts: readonly string[]): string {
  let least = texts[0]!;
  for (const text of texts) if (text < least) least = text;
  return least;
}
