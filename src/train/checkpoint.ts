import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DataError, messageOf } from '../core/errors.ts';
import { type FloatTensor, readSafetensors, writeSafetensors } from '../core/safetensors.ts';

const plateau = z.object({ best: z.number().nullable(), waited: z.number().int() });

/** Where a run stands between two epochs. Together with the tensors beside it, all that the rest of the run depends on. */
const progressSchema = z.object({
  schemaVersion: z.literal(1),
  /** What the weights belong to: configuration and data. */
  fingerprint: z.string(),
  phase: z.enum(['head', 'fine-tune', 'done']),
  /** Epochs of this phase that are over. */
  epoch: z.number().int(),
  /** Optimizer steps since its state was zero: of this phase, or since AdamW started again after a thaw. */
  steps: z.number().int(),
  /** Learning rate that the next epoch starts with. */
  rate: z.number(),
  reduce: plateau,
  /** Epochs without a better score. */
  waited: z.number().int(),
  /** Units thawed, from the top. */
  thawed: z.number().int(),
  /** The best epoch so far, over both phases; null before the first. */
  best: z.object({ phase: z.enum(['head', 'fine-tune']), epoch: z.number().int(), score: z.number() }).nullable(),
  /** Length of log.jsonl when this was written. */
  logBytes: z.number().int(),
  /** Epochs over all phases: the step of TensorBoard. */
  globalEpoch: z.number().int(),
});

export type RunProgress = z.infer<typeof progressSchema>;

type BestPhase = NonNullable<RunProgress['best']>['phase'];

export interface Checkpoint {
  readonly progress: RunProgress;
  /** Every weight, tail and head, by name. */
  readonly weights: ReadonlyMap<string, FloatTensor>;
  /** Optimizer state by `kind:name`. */
  readonly states: ReadonlyMap<string, FloatTensor>;
}

const LAST = 'last.safetensors';
/** One file for each phase: fine-tuning starts from the best of the head, also when it is started again after a crash. */
const bestOf = (phase: BestPhase): string => `best-${phase}.safetensors`;

/** Writes the state of a run, atomically. */
export function writeCheckpoint(folder: string, { progress, weights, states }: Checkpoint): void {
  const tensors = new Map([
    ...[...weights].map(([name, t]) => [`weight:${name}`, t] as const),
    ...[...states].map(([name, t]) => [`state:${name}`, t] as const),
  ]);
  writeSafetensors(join(folder, LAST), tensors, { progress: JSON.stringify(progress) });
}

/** The state a run was left in, or undefined if it had not come to its first epoch. @throws {DataError} damaged */
export function readCheckpoint(folder: string): Checkpoint | undefined {
  const path = join(folder, LAST);
  if (!existsSync(path)) return undefined;
  const { tensors, metadata } = readSafetensors(path);
  const weights = new Map<string, FloatTensor>();
  const states = new Map<string, FloatTensor>();
  for (const [name, tensor] of tensors) {
    if (name.startsWith('weight:')) weights.set(name.slice('weight:'.length), tensor);
    else states.set(name.slice('state:'.length), tensor);
  }
  try {
    return { progress: progressSchema.parse(JSON.parse(metadata.progress ?? '')), weights, states };
  } catch (error) {
    throw new DataError('checkpoint/format', `${path}: expected the state of a run, got ${messageOf(error)}`);
  }
}

/** Writes the weights of the best epoch, one of the given phase, atomically. */
export function writeBest(folder: string, phase: BestPhase, weights: ReadonlyMap<string, FloatTensor>): void {
  writeSafetensors(join(folder, bestOf(phase)), weights, {});
}

export function readBest(folder: string, phase: BestPhase): Map<string, FloatTensor> {
  return readSafetensors(join(folder, bestOf(phase))).tensors;
}
