import { hashDistance as distance } from './perceptual-hash.ts';

/** Points of a metric space, arranged so that those near a query are found without looking at all. */
export interface VantageTree {
  /**
   * Calls `visit` with every point within a radius of the query, in no particular order.
   *
   * @returns how many distances were computed
   */
  within(query: Float32Array, radius: number, visit: (point: number, distance: number) => void): number;
}

/** Up to this many points are looked at one by one. */
const LEAF = 8;

/**
 * Builds a vantage-point tree over points in Euclidean space: each node divides its points into a nearer and a farther half
 * around one of them, and by the triangle inequality a search enters only the halves that its ball touches.
 *
 * @param points all of one length; kept, not copied
 * @see Yianilos 1993, Data structures and algorithms for nearest neighbor search in general metric spaces
 */
export function buildVantageTree(points: readonly Float32Array[]): VantageTree {
  // The tree lies in one array of points: a node's own point, then its nearer half, then its farther half.
  const order = points.map((_, i) => i);
  const border = new Float64Array(points.length);
  const distances = new Float64Array(points.length);
  const build = (from: number, to: number): void => {
    if (to - from <= LEAF) return;
    // A point far from the others tells more of them apart than one in their midst.
    swapTo(order, from, farthest(points, order, from, to));
    const vantage = points[order[from]!]!;
    for (let k = from + 1; k < to; k++) distances[order[k]!] = distance(vantage, points[order[k]!]!);
    const sorted = order.slice(from + 1, to).sort((a, b) => distances[a]! - distances[b]! || a - b);
    for (let k = 0; k < sorted.length; k++) order[from + 1 + k] = sorted[k]!;
    const middle = middleOf(from, to);
    border[from] = distances[order[middle]!]!;
    build(from + 1, middle);
    build(middle, to);
  };
  build(0, points.length);

  return {
    within(query, radius, visit) {
      let computed = 0;
      const search = (from: number, to: number): void => {
        if (to - from <= LEAF) {
          for (let k = from; k < to; k++) {
            const d = distance(query, points[order[k]!]!);
            if (d <= radius) visit(order[k]!, d);
          }
          computed += to - from;
          return;
        }
        const d = distance(query, points[order[from]!]!);
        computed++;
        if (d <= radius) visit(order[from]!, d);
        const middle = middleOf(from, to);
        // Nearer points lie within the border, farther ones on it or outside.
        if (d - radius <= border[from]!) search(from + 1, middle);
        if (d + radius >= border[from]!) search(middle, to);
      };
      search(0, points.length);
      return computed;
    },
  };
}

function middleOf(from: number, to: number): number {
  return from + 1 + Math.floor((to - from - 1) / 2);
}

/** The place of the point farthest from the first. */
function farthest(points: readonly Float32Array[], order: readonly number[], from: number, to: number): number {
  const start = points[order[from]!]!;
  let best = from;
  let most = -1;
  for (let k = from + 1; k < to; k++) {
    const d = distance(start, points[order[k]!]!);
    if (d > most) {
      most = d;
      best = k;
    }
  }
  return best;
}

function swapTo(order: number[], to: number, from: number): void {
  const point = order[to]!;
  order[to] = order[from]!;
  order[from] = point;
}
