import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { hash32 } from './hash.ts';

/** A seeded source of random numbers. The same seed gives the same numbers on every machine. */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  uniform(low: number, high: number): number;
  /** Uniform integer in [low, high], both included. */
  int(low: number, high: number): number;
  /** Normal with mean 0 and standard deviation 1 (Box–Muller). */
  normal(): number;
}

/**
 * A generator for one purpose. Parts name the purpose, so that adding a random decision in one place never shifts the
 * numbers of another: `rngOf(seed, 'view', imageHash, viewIndex)`.
 *
 * @param seed any integer; the user's `--seed`
 * @param parts what the numbers are for
 */
export function rngOf(seed: number, ...parts: readonly (string | number)[]): Rng {
  const generator: RandomGenerator = xoroshiro128plus(hash32([seed, ...parts].join('\u0000')));
  const next = (): number => uniformFloat64(generator);
  return {
    next,
    uniform: (low, high) => low + (high - low) * next(),
    int: (low, high) => uniformInt(generator, low, high),
    // 1 − u keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  };
}

/** Fisher–Yates: a new array with the same items in random order. */
export function shuffled<T>(items: readonly T[], rng: Rng): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = rng.int(0, i);
    const a = out[i]!;
    out[i] = out[j]!;
    out[j] = a;
  }
  return out;
}
