import { DataError } from '../core/errors.ts';
import { hashUnit } from '../core/hash.ts';
import type { Group } from './groups.ts';
import type { Split } from './types.ts';

/** A split and the share of the groups it is to receive, > 0. */
export interface Share {
  readonly split: Split;
  readonly share: number;
}

/** A group, where the hash throws it, and where it goes. */
interface Placed {
  readonly group: Group;
  readonly labels: readonly string[];
  /** In [0, 1). */
  readonly u: number;
  split: Split;
}

/**
 * Places groups by a stable hash: u = hash(seed, key) ∈ [0, 1), and the splits divide [0, 1) by their shares in order.
 *
 * A group's place depends on nothing but its key and the seed, so adding images never moves an old group. The price: shares and
 * classes come out right on average, not exactly. A class of n groups has n·s ± √(n·s·(1 − s)) of them in a split of share s.
 *
 * The one exception: where a class would be absent from a split, one group of it is moved there: the one whose u lies closest to that
 * split's interval, and whose leaving deprives no class. This happens to small classes only (at 15 %, with 30
 * groups, one time in 130) and such a group may move back when the class grows.
 *
 * @param shares need not sum to 1: they are divided by their sum
 * @throws {DataError} `split/too-few` if a class has fewer groups than there are splits; `split/class` if classes are so
 *   tangled by common groups that moving single groups does not bring each into each split
 */
export function placeGroups(groups: readonly Group[], seed: number, shares: readonly Share[]): Map<Group, Split> {
  requireEnough(groups, shares);
  const total = shares.reduce((sum, { share }) => sum + share, 0);
  let from = 0;
  const intervals = shares.map(({ split, share }) => {
    const interval = { split, from, to: from + share / total };
    from = interval.to;
    return interval;
  });

  const placed: Placed[] = groups.map((group) => {
    const u = hashUnit(`split\u0000${seed}\u0000${group.key}`);
    // Rounding may leave the last interval a hair short of 1.
    const { split } = intervals.find(({ to }) => u < to) ?? intervals.at(-1)!;
    return { group, labels: [...new Set(group.examples.map(({ label }) => label))], u, split };
  });
  repair(placed, intervals);
  return new Map(placed.map(({ group, split }) => [group, split]));
}

interface Interval {
  readonly split: Split;
  readonly from: number;
  readonly to: number;
}

function repair(placed: readonly Placed[], intervals: readonly Interval[]): void {
  // Groups of a label, in all and in a split.
  const counts = new Map<string, number>();
  const countIn = (label: string, split: Split | 'all'): number => counts.get(`${split}:${label}`) ?? 0;
  const count = (label: string, split: Split | 'all', change: number): void => {
    counts.set(`${split}:${label}`, countIn(label, split) + change);
  };
  const seen = new Set<string>();
  for (const { labels, split } of placed) {
    for (const label of labels) {
      seen.add(label);
      count(label, split, 1);
      count(label, 'all', 1);
    }
  }
  // Rare classes first: they have the least choice.
  const labels = [...seen].sort((a, b) => countIn(a, 'all') - countIn(b, 'all') || (a < b ? -1 : 1));

  // A move fills one gap and opens none, so filling gap after gap ends.
  for (;;) {
    const gaps = labels.flatMap((label) =>
      intervals.filter(({ split }) => countIn(label, split) === 0).map((interval) => ({ label, interval })),
    );
    if (gaps.length === 0) return;
    let moved = false;
    for (const { label, interval } of gaps) {
      const distance = ({ u }: Placed): number => Math.max(interval.from - u, u - interval.to);
      const movable = placed
        .filter((one) => one.labels.includes(label) && one.labels.every((other) => countIn(other, one.split) > 1))
        .sort((a, b) => distance(a) - distance(b) || (a.group.key < b.group.key ? -1 : 1));
      const nearest = movable[0];
      if (nearest === undefined) continue;
      for (const moving of nearest.labels) {
        count(moving, nearest.split, -1);
        count(moving, interval.split, 1);
      }
      nearest.split = interval.split;
      moved = true;
      break;
    }
    if (!moved) {
      const list = gaps.map(({ label, interval }) => `no ${label} in ${interval.split}`).join(', ');
      throw new DataError(
        'split/class',
        `split: expected every class in every split, got ${list}`,
        'The same patients or lesions have several classes: give a split column, or group by less.',
      );
    }
  }
}

function requireEnough(groups: readonly Group[], shares: readonly Share[]): void {
  const groupsOf = new Map<string, number>();
  const imagesOf = new Map<string, number>();
  for (const { examples } of groups) {
    for (const { label } of examples) imagesOf.set(label, (imagesOf.get(label) ?? 0) + 1);
    for (const label of new Set(examples.map((example) => example.label))) {
      groupsOf.set(label, (groupsOf.get(label) ?? 0) + 1);
    }
  }
  const few = [...groupsOf].filter(([, n]) => n < shares.length).sort(([a], [b]) => (a < b ? -1 : 1));
  if (few.length === 0) return;
  const keyed = (kind: string): boolean => groups.some(({ key }) => key.startsWith(`${kind}:`));
  const unit = keyed('patient') ? 'patient' : keyed('lesion') ? 'lesion' : 'image';
  const got = few.map(([label, n]) => {
    const images = imagesOf.get(label)!;
    return `"${label}" has ${n} ${unit}${n === 1 ? '' : 's'}${images === n ? '' : ` (${images} images)`}`;
  });
  throw new DataError(
    'split/too-few',
    `split: expected at least ${shares.length} different ${unit}s of every class, one each for ${shares
      .map(({ split }) => split)
      .join(', ')}; ${got.join(', ')}`,
    'Add images, leave the class out, or join it to another; or give a split column.',
  );
}
