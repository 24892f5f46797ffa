import { rngOf, shuffled } from '../core/rng.ts';
import { DROPOUT_MASK, dropoutMask } from '../model/head.ts';
import { float32 } from '../onnx/model.ts';
import { oneCycle } from '../optim/schedules.ts';
import type { Phase, PhaseContext, PhaseProgress } from './phase.ts';
import { type RowView, readBatch, type StoredRows } from './rows.ts';
import type { Stepper } from './step.ts';

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
  const { data, stored, head, classWeights, seed } = context;
  const order = epochOrder(phase.name, training, stored, seed, progress.epoch);
  const batch = Math.min(phase.batch, order.length);
  const perEpoch = stepsPerEpoch(phase, training.length);
  let total = 0;
  for (let step = 0; step < perEpoch; step++) {
    const rows = order.slice(step * batch, (step + 1) * batch);
    const targets = rows.map(({ row }) => data.rows[row]!.target);
    const mask = dropoutMask(batch, head, rngOf(seed, 'dropout', phase.name, progress.epoch, step));
    total += await stepper.step(
      {
        features: readBatch(stored, rows),
        targets,
        weights: Float32Array.from(targets, (t) => classWeights[t]!),
        extra: mask === undefined ? {} : { [DROPOUT_MASK]: float32(mask, [batch, mask.length / batch]) },
      },
      rateAt(phase, progress, progress.epoch * perEpoch + step, perEpoch),
    );
    context.onStep((step + 1) * batch, perEpoch * batch, progress.epoch + 1);
    context.signal?.throwIfAborted();
  }
  return total / perEpoch;
}

/** Whole batches only: what is left of an epoch's order waits for the next one, as every order is a new one. */
export function stepsPerEpoch(phase: Phase, rows: number): number {
  return Math.max(1, Math.floor(rows / phase.batch));
}

/** Learning rate at a step, counted from the phase's first. */
export function rateAt(phase: Phase, { rate }: PhaseProgress, step: number, perEpoch: number): number {
  return phase.schedule === 'one-cycle' ? phase.rate * oneCycle(step, phase.epochs * perEpoch) : rate;
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
