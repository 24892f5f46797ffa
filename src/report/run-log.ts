import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

const counts = z.object({ train: z.array(z.int()), val: z.array(z.int()), test: z.array(z.int()) });

const dataEvent = z.object({
  event: z.literal('data'),
  format: z.string(),
  images: z.int(),
  problems: z.int(),
  labels: z.array(z.string()),
  counts,
  hash: z.string(),
});

const trunkEvent = z.object({
  event: z.literal('trunk'),
  backbone: z.string(),
  sha256: z.string(),
  features: z.string(),
  cut: z.string(),
  width: z.int(),
  device: z.string().optional(),
});

const marker = z.object({
  kind: z.string(),
  from: z.number().optional(),
  to: z.number().optional(),
  layer: z.string().optional(),
  reason: z.string().optional(),
});

const epochEvent = z.object({
  event: z.literal('epoch'),
  phase: z.string(),
  epoch: z.int(),
  trainLoss: z.number(),
  valLoss: z.number(),
  accuracy: z.number(),
  balancedAccuracy: z.number(),
  auc: z.union([z.number(), z.object({ undefined: z.string() })]),
  lr: z.number(),
  frozen: z.string(),
  seconds: z.number(),
  markers: z.array(marker),
});

export type EpochLine = z.infer<typeof epochEvent>;

/** What a report reads in `log.jsonl`. Lines that are not whole or not known are passed over. */
export interface RunLog {
  readonly data?: z.infer<typeof dataEvent> | undefined;
  readonly trunk?: z.infer<typeof trunkEvent> | undefined;
  readonly epochs: readonly EpochLine[];
}

/** Reads `log.jsonl`; a run without one has an empty log. */
export function readRunLog(path: string): RunLog {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const events = lines.flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return [value];
    } catch {
      return [];
    }
  });
  const of = <T>(schema: z.ZodType<T>): T[] =>
    events.flatMap((event) => {
      const result = schema.safeParse(event);
      return result.success ? [result.data] : [];
    });
  return { data: of(dataEvent).at(-1), trunk: of(trunkEvent).at(-1), epochs: of(epochEvent) };
}
