import type { Example, Split } from '../types.ts';

/** What images share: a lesion, a patient, every byte of their files, or what they show. */
export type Tie = 'lesion' | 'patient' | 'identical' | 'near-duplicate';

/** Images that are tied together: by what, and how that is called. */
export interface TiedImages {
  readonly tie: Tie;
  /** Lesion or patient id, file hash, or the smallest id of the near-duplicates. */
  readonly key: string;
  readonly examples: readonly Example[];
}

/** One thing with two labels. */
export interface Conflict {
  readonly tie: Exclude<Tie, 'patient'>;
  readonly key: string;
  readonly examples: readonly { readonly id: string; readonly label: string }[];
}

/** One thing on two sides of the split. */
export interface Leak {
  readonly tie: Tie;
  readonly key: string;
  readonly examples: readonly { readonly id: string; readonly split: Split }[];
}

/**
 * Images that share something, two or more at a time.
 *
 * @param sha256Of of an example's file
 * @param copiesOf name of the near-duplicates that an example belongs to, or undefined
 */
export function tiedImages(
  examples: readonly Example[],
  sha256Of: (id: string) => string | undefined,
  copiesOf: (id: string) => string | undefined,
): TiedImages[] {
  const by = (tie: Tie, keyOf: (example: Example) => string | undefined): TiedImages[] => {
    const groups = new Map<string, Example[]>();
    for (const example of examples) {
      const key = keyOf(example);
      if (key === undefined) continue;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [example]);
      else group.push(example);
    }
    return [...groups].flatMap(([key, group]) => (group.length > 1 ? [{ tie, key, examples: group }] : []));
  };
  return [
    ...by('identical', ({ id }) => sha256Of(id)),
    ...by('near-duplicate', ({ id }) => copiesOf(id)),
    ...by('lesion', ({ lesionId }) => lesionId),
    ...by('patient', ({ patientId }) => patientId),
  ];
}

/** Images, or lesions, that have several labels. What is said of identical files is not said again of near-duplicates. */
export function conflictsOf(tied: readonly TiedImages[]): Conflict[] {
  const said = new Set<string>();
  return tied.flatMap(({ tie, key, examples }): Conflict[] => {
    if (tie === 'patient' || new Set(examples.map(({ label }) => label)).size < 2) return [];
    if (isSaid(said, examples)) return [];
    return [{ tie, key, examples: examples.map(({ id, label }) => ({ id, label })) }];
  });
}

/** Lesions, patients, files and near-duplicates with images in several splits. */
export function leaksOf(tied: readonly TiedImages[], splitOf: (id: string) => Split | undefined): Leak[] {
  const said = new Set<string>();
  return tied.flatMap(({ tie, key, examples }): Leak[] => {
    const placed = examples.flatMap(({ id }) => {
      const split = splitOf(id);
      return split === undefined ? [] : [{ id, split }];
    });
    if (new Set(placed.map(({ split }) => split)).size < 2) return [];
    if ((tie === 'identical' || tie === 'near-duplicate') && isSaid(said, placed)) return [];
    return [{ tie, key, examples: placed }];
  });
}

function isSaid(said: Set<string>, examples: readonly { readonly id: string }[]): boolean {
  const text = examples.map(({ id }) => id).join('\n');
  if (said.has(text)) return true;
  said.add(text);
  return false;
}
