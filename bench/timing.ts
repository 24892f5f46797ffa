/** Timing two or more pieces of work side by side, so that a busy moment of the machine falls on all of them. */

export interface Timed {
  readonly name: string;
  readonly run: () => Promise<unknown>;
}

/** Median milliseconds of each, after one untimed round; rounds are interleaved. */
export async function interleaved(work: readonly Timed[], rounds: number): Promise<Map<string, number>> {
  const times = new Map<string, number[]>(work.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const { name, run } of work) {
      const began = performance.now();
      await run();
      if (round >= 0) times.get(name)!.push(performance.now() - began);
    }
  }
  return new Map([...times].map(([name, all]) => [name, median(all)]));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
