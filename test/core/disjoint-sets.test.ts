import fc from 'fast-check';
import { expect, it } from 'vitest';
import { disjointSets } from '../../src/core/disjoint-sets.ts';

it('joins what hangs together, however it was joined, and knows sizes', () => {
  const edges = fc.array(fc.tuple(fc.nat(19), fc.nat(19)), { maxLength: 30 });
  fc.assert(
    fc.property(edges, (joined) => {
      const sets = disjointSets(20);
      for (const [a, b] of joined) sets.join(a, b);
      // The same by spreading the smallest item along the edges until nothing changes.
      const smallest = Array.from({ length: 20 }, (_, i) => i);
      for (let round = 0; round < 20; round++) {
        for (const [a, b] of joined) smallest[a] = smallest[b] = Math.min(smallest[a]!, smallest[b]!);
      }
      expect(smallest.map((_, i) => sets.find(i))).toEqual(smallest);
      expect(
        sets
          .sets()
          .flat()
          .sort((a, b) => a - b),
      ).toEqual(smallest.map((_, i) => i));
      for (const set of sets.sets()) {
        expect(set.map((i) => sets.find(i))).toEqual(set.map(() => set[0]));
        expect(set.map((i) => sets.size(i))).toEqual(set.map(() => set.length));
      }
    }),
  );
});
