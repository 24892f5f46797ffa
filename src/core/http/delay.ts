import { hashUnit } from '../hash.ts';

const LONGEST = 30_000;

/**
 * Milliseconds before the next try: twice as many after each failure, at most 30 s, less up to half, so that those who failed
 * together do not come again together.
 *
 * @param first before the second try
 * @param failures so far, from 1
 * @param what is asked for; another thing, another moment
 */
export function delayAfter(first: number, failures: number, what: string): number {
  const random = 0.5 + 0.5 * hashUnit(`${process.pid} ${what} ${failures}`);
  return Math.min(first * 2 ** (failures - 1), LONGEST) * random;
}
