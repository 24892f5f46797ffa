/** Seconds after which a measurement counts for 1/e. */
const MEMORY = 8;

/** How fast something goes, smoothed. */
export interface Rate {
  /** Tells how much is done by now. */
  update(done: number, milliseconds: number): void;
  /** Units a second; undefined until there is something to tell. */
  perSecond(): number | undefined;
}

/**
 * Rate by exponential smoothing over time, not over calls: Σ w Δdone / Σ w Δt with w = exp(−age / 8 s). The first
 * measurements are not biased towards 0, and what was done before the first call does not count.
 */
export function rateFrom(done: number, milliseconds: number): Rate {
  let lastDone = done;
  let last = milliseconds;
  let work = 0;
  let time = 0;
  return {
    update: (nowDone, now) => {
      const seconds = Math.max(0, now - last) / 1000;
      const decay = Math.exp(-seconds / MEMORY);
      work = work * decay + (nowDone - lastDone);
      time = time * decay + seconds;
      lastDone = nowDone;
      last = now;
    },
    perSecond: () => (time > 0 && work > 0 ? work / time : undefined),
  };
}
