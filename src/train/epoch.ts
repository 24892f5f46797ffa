import { rngOf, shuffled } from '../core/rng.ts';
import { DROPOUT_MASK, dropoutMask } from '../model/head.ts';
import { float32 } from '../onnx/model.ts';
import { cosine, oneCycle, stepDecay } from '../optim/schedules.ts';
import type { Phase, PhaseContext, PhaseProgress } from './phase.ts';
import { type RowView, readBatch, type StoredRows } from './rows.ts';
import type { Batch, Stepper } from './step.ts';

/**
 * One pass over the training images.
 *
 * @returns mean loss over the batches
 */
export async function trainEpoch(
  phase: Phase,
  context: PhaseContext,
  stepper: Stepper,
  training: readonly number[],
  progress: PhaseProgress,
): Promise<number> {
  const { stored, seed } = context;
  const order = epochOrder(phase.name, training, stored, seed, progress.epoch);
  const { batch, accumulate, updates } = epochPlan(phase, training.length);
  const steps = updates * accumulate;
  let total = 0;
  for (let step = 0; step < steps; step++) {
    total += await stepper.step(
      batchOf(phase, context, order.slice(step * batch, (step + 1) * batch), progress.epoch, step),
      rateAt(phase, progress, progress.epoch * updates + Math.floor(step / accumulate), updates),
    );
    context.onStep((step + 1) * batch, steps * batch, progress.epoch + 1);
    context.signal?.throwIfAborted();
  }
  return total / steps;
}

/** Some rows as a step takes them. */
export function batchOf(
  { name }: Phase,
  { data, stored, head, classWeights, seed }: PhaseContext,
  rows: readonly RowView[],
  epoch: number,
  step: number,
): Batch {
  const targets = rows.map(({ row }) => data.rows[row]!.target);
  const mask = dropoutMask(rows.length, head, rngOf(seed, 'dropout', name, epoch, step));
  return {
    features: readBatch(stored, rows),
    targets,
    weights: Float32Array.from(targets, (t) => classWeights[t]!),
    extra: mask === undefined ? {} : { [DROPOUT_MASK]: float32(mask, [rows.length, mask.length / rows.length]) },
  };
}

/** How an epoch is divided. */
export interface EpochPlan {
  /** Rows of a batch. */
  readonly batch: number;
  /** Batches of an update. */
  readonly accumulate: number;
  readonly updates: number;
}

/** Whole updates only: what is left of an epoch's order waits for the next one, as every order is a new one. */
export function epochPlan(phase: Pick<Phase, 'batch' | 'accumulate'>, rows: number): EpochPlan {
  const batch = Math.min(phase.batch, rows);
  const batches = Math.max(1, Math.floor(rows / batch));
  const accumulate = Math.min(phase.accumulate, batches);
  return { batch, accumulate, updates: Math.floor(batches / accumulate) };
}

/** Learning rate of an update, counted from the phase's first. @param perEpoch updates of an epoch */
export function rateAt(phase: Phase, { rate }: PhaseProgress, update: number, perEpoch: number): number {
  const updates = phase.epochs * perEpoch;
  switch (phase.schedule) {
    case 'one-cycle':
      return phase.rate * oneCycle(update, updates);
    case 'cosine':
      return phase.rate * cosine(update, updates, { warm: phase.warmUp });
    case 'step':
      return phase.rate * stepDecay(update, { every: phase.reduce.patience * perEpoch, factor: phase.reduce.factor });
    case 'constant':
      return phase.rate;
    case 'plateau':
    case 'progressive':
      return rate;
  }
}

/** A new order every epoch, and for each row the next of its views, in an order of the row's own. */
export function epochOrder(
  phase: string,
  training: readonly number[],
  { places }: StoredRows,
  seed: number,
  epoch: number,
): RowView[] {
  const order = shuffled(training, rngOf(seed, 'order', phase, epoch));
  return order.map((row) => {
    const views = places[row]!.length;
    const round = Math.floor(epoch / views);
    const turn = shuffled([...Array(views).keys()], rngOf(seed, 'views', phase, row, round));
    return { row, view: turn[epoch % views]! };
  });
}
