/** Lesion or patient of each example; undefined: independent of all others. */
export type Groups = readonly (string | undefined)[];

/** The examples of each group, groups in order of first appearance. */
export function membersOf(groups: Groups): number[][] {
  const members: number[][] = [];
  const known = new Map<string, number[]>();
  groups.forEach((group, row) => {
    const found = group === undefined ? undefined : known.get(group);
    if (found !== undefined) {
      found.push(row);
      return;
    }
    const fresh = [row];
    members.push(fresh);
    if (group !== undefined) known.set(group, fresh);
  });
  return members;
}

/** Groups of n examples that are all independent. */
export function allApart(n: number): undefined[] {
  return new Array<undefined>(n).fill(undefined);
}
