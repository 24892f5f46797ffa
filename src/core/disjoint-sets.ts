/** Items 0 … n − 1 in sets that can be joined. */
export interface DisjointSets {
  /** The smallest item of an item's set. */
  find(item: number): number;
  join(a: number, b: number): void;
  /** How many items are in an item's set. */
  size(item: number): number;
  /** All sets in the order of their smallest items, each in rising order. */
  sets(): number[][];
}

/** n sets of one item each. @see Tarjan 1975, Efficiency of a good but not linear set union algorithm */
export function disjointSets(n: number): DisjointSets {
  const parent = Array.from({ length: n }, (_, i) => i);
  const sizes = new Uint32Array(n).fill(1);
  const find = (item: number): number => {
    let root = item;
    while (parent[root] !== root) root = parent[root]!;
    for (let at = item; parent[at] !== root; ) {
      const next = parent[at]!;
      parent[at] = root;
      at = next;
    }
    return root;
  };
  return {
    find,
    join(a, b) {
      const [p, q] = [find(a), find(b)];
      if (p === q) return;
      parent[Math.max(p, q)] = Math.min(p, q);
      sizes[Math.min(p, q)]! += sizes[Math.max(p, q)]!;
    },
    size: (item) => sizes[find(item)]!,
    sets() {
      const members = new Map<number, number[]>();
      for (let i = 0; i < n; i++) {
        const root = find(i);
        const list = members.get(root);
        if (list === undefined) members.set(root, [i]);
        else list.push(i);
      }
      return [...members.values()];
    },
  };
}
