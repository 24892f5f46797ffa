/** Finding a learning rate by trying all of them in a row (Smith 2017, arXiv:1506.01186, section 3.3). */

/** Rate of a step that rises exponentially from `from` to `to`. @param step 0 … steps − 1 */
export function risingRate(step: number, steps: number, from: number, to: number): number {
  return from * (to / from) ** (step / Math.max(1, steps - 1));
}

/** One step of the search. */
export interface RatePoint {
  readonly rate: number;
  /** Loss of the batch before the update. */
  readonly loss: number;
  /** Loss without the noise of batches. */
  readonly smoothed: number;
}

/** How much of the average so far stays in the smoothed loss at each step. */
const MEMORY = 0.9;
/** Losses that the smoothed one must have seen to say anything, where there are many more. */
const PATIENCE = 10;
/** Once the smoothed loss is as many times its lowest, no later rate can be better. */
const DIVERGED = 4;

/** Appends a step, its loss smoothed by an exponential average that is not biased towards the first. */
export function withPoint(points: readonly RatePoint[], rate: number, loss: number): RatePoint[] {
  let sum = 0;
  let weight = 0;
  for (const value of [...points.map((p) => p.loss), loss]) {
    sum = MEMORY * sum + value;
    weight = MEMORY * weight + 1;
  }
  return [...points, { rate, loss, smoothed: sum / weight }];
}

/** Whether the loss has gone up so far that the search can end. */
export function diverged(points: readonly RatePoint[]): boolean {
  const last = points.at(-1);
  return (
    last !== undefined &&
    points.length > PATIENCE &&
    !(last.smoothed <= DIVERGED * Math.min(...points.map((p) => p.smoothed)))
  );
}

/** Rates that a search speaks for. */
export interface SuggestedRates {
  /** Where the smoothed loss falls fastest; undefined where it never falls. */
  readonly steepest: number | undefined;
  /** A tenth of the rate at which the smoothed loss is lowest: as far as one may go with some distance to divergence. */
  readonly tenthOfLowest: number;
}

/** Points on each side of one that its slope is taken over. */
const REACH = 5;

/** @param all at least one step, rates rising */
export function suggestedRates(all: readonly RatePoint[]): SuggestedRates {
  const points = all.slice(Math.min(PATIENCE, Math.floor(all.length / 5)));
  const lowest = points.reduce((best, p) => (p.smoothed < best.smoothed ? p : best), points[0]!);
  let steepest: { readonly rate: number; readonly slope: number } | undefined;
  for (let i = REACH; i + REACH < points.length && points[i]!.rate <= lowest.rate; i++) {
    const [before, after] = [points[i - REACH]!, points[i + REACH]!];
    const slope = (after.smoothed - before.smoothed) / Math.log(after.rate / before.rate);
    if (slope < (steepest?.slope ?? 0)) steepest = { rate: points[i]!.rate, slope };
  }
  return { steepest: steepest?.rate, tenthOfLowest: lowest.rate / 10 };
}
