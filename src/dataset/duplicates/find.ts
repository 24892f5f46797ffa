import { setImmediate } from 'node:timers/promises';
import { disjointSets } from '../../core/disjoint-sets.ts';
import type { OnProgress } from '../../core/events.ts';
import { align, type Likeness } from './align.ts';
import {
  hashDistance,
  ORIENTATIONS,
  turnedHash,
  turnedPlane,
  turnedWindow,
  unorientedHash,
} from './perceptual-hash.ts';
import { SIDE, type Signature, WINDOWS } from './signature.ts';
import { buildVantageTree } from './vantage-tree.ts';

/** Two images of which one is a copy of the other, perhaps resized, cropped a little, compressed, turned or mirrored. */
export interface NearPair {
  /** Indices of the signatures, a < b. */
  readonly a: number;
  readonly b: number;
  /** Of brightness, once one is laid on the other, in −1…1. */
  readonly correlation: number;
  /** Of the slopes of brightness, in −1…1. */
  readonly detail: number;
}

export interface NearDuplicates {
  /** In the order of a, then b. */
  readonly pairs: readonly NearPair[];
  /** Pairs whose hashes were close enough to be compared by their pixels. */
  readonly candidates: number;
  /** Distances between hashes that were computed; all pairs would take n (n − 1) / 2 for every window and orientation. */
  readonly distances: number;
}

export interface FindOptions {
  /** Stage `duplicates`, unit `images`. */
  readonly onProgress?: OnProgress;
  /** Stops between two images; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Greatest distance of hashes. Default 7: crops of 10 % measured 6.2 at most. */
  readonly radius?: number;
}

/** In clusters of more images, pairs whose ends are known to hang together are not compared: their number grows with the square. */
const LARGE_CLUSTER = 24;
/** Windows from which a fit is tried. */
const STARTS = 4;
/** Images in a run between two looks at the clock and at the signal. */
const BREATH = 64;

/**
 * Finds near-duplicates in two steps. A vantage-point tree of perceptual hashes gives, for every image and for windows of it, those
 * few that are close in any of the eight orientations; these are laid on one another and compared by their pixels.
 *
 * The same picture taken again is no near-duplicate: hairs and edges move. Images without contrast are never one.
 *
 * @param signatures one a file: identical files are found by their hash
 */
export async function findNearDuplicates(
  signatures: readonly Signature[],
  options: FindOptions = {},
): Promise<NearDuplicates> {
  const { radius = 7, onProgress, signal } = options;
  const known = signatures.flatMap(({ hashes }, i) => (hashes.length > 0 ? [i] : []));
  const whole = known.map((i) => signatures[i]!.hashes[0]!);
  const tree = buildVantageTree(whole.map(unorientedHash));
  let distances = 0;

  /** Images of which a window of image i may be a copy, and how: the closest first. */
  const candidatesOf = (i: number): Map<number, Candidate[]> => {
    const found = new Map<number, Candidate[]>();
    signatures[i]!.hashes.forEach((hash, window) => {
      const turned: Float32Array[] = [];
      distances += tree.within(unorientedHash(hash), radius, (point) => {
        const j = known[point]!;
        if (j === i) return;
        for (let orientation = 0; orientation < ORIENTATIONS.length; orientation++) {
          turned[orientation] ??= turnedHash(hash, orientation);
          const distance = hashDistance(turned[orientation]!, whole[point]!);
          distances++;
          if (distance > radius) continue;
          const list = found.get(j);
          if (list === undefined) found.set(j, [{ distance, window, orientation }]);
          else list.push({ distance, window, orientation });
        }
      });
    });
    for (const list of found.values()) list.sort((p, q) => p.distance - q.distance);
    return found;
  };
  /** The fit can end in a wrong place, so it starts from several. */
  const isCopy = (i: number, j: number, candidates: readonly Candidate[]): Omit<NearPair, 'a' | 'b'> | undefined => {
    for (const { window, orientation } of candidates.slice(0, STARTS)) {
      const source = turnedPlane(signatures[i]!.thumbnail, SIDE, orientation);
      const alike = align(source, signatures[j]!.thumbnail, SIDE, turnedWindow(WINDOWS[window]!, orientation));
      if (alike !== undefined && isAlike(alike)) {
        return { correlation: alike.correlation, detail: alike.detail };
      }
    }
    return undefined;
  };

  // Either of the two may be the crop, so a pair is looked at from both sides.
  const pairs = new Map<number, NearPair>();
  const seen = new Set<number>();
  const clusters = disjointSets(signatures.length);
  for (const [k, i] of known.entries()) {
    for (const [j, candidates] of candidatesOf(i)) {
      const [a, b] = i < j ? [i, j] : [j, i];
      const key = a * signatures.length + b;
      seen.add(key);
      if (pairs.has(key)) continue;
      if (clusters.size(a) > LARGE_CLUSTER && clusters.find(a) === clusters.find(b)) continue;
      const copy = isCopy(i, j, candidates);
      if (copy === undefined) continue;
      pairs.set(key, { a, b, ...copy });
      clusters.join(a, b);
    }
    if ((k + 1) % BREATH !== 0 && k + 1 < known.length) continue;
    onProgress?.({ stage: 'duplicates', done: k + 1, total: known.length, unit: 'images' });
    await setImmediate();
    signal?.throwIfAborted();
  }
  return {
    pairs: [...pairs.values()].sort((p, q) => p.a - q.a || p.b - q.b),
    candidates: seen.size,
    distances,
  };
}

/**
 * Whether two pictures are one. Vignettes alone make a correlation of 0.9; the same mole from another day can reach 0.98, and its
 * details 0.57. Over all of HAM10000 no two different lesions pass; copies compressed to a quality of 30 reach 0.98 with
 * details of 0.74, of grainier pictures 0.59.
 */
function isAlike({ correlation, detail }: Likeness): boolean {
  return correlation >= 0.96 && detail >= (correlation >= 0.98 ? 0.55 : 0.61);
}

interface Candidate {
  readonly distance: number;
  /** Index into `WINDOWS`. */
  readonly window: number;
  /** Index into `ORIENTATIONS`. */
  readonly orientation: number;
}
