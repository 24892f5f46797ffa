import { NumericError } from '../core/errors.ts';
import type { FloatTensor } from '../core/safetensors.ts';
import { float32, type Tensor } from '../onnx/model.ts';
import { centringOf, openEngine } from './engine.ts';
import { rateAt, stepsPerEpoch, trainEpoch } from './epoch.ts';
import type { EpochReport } from './events.ts';
import { afterEpoch, frozenIn, scoreValidation } from './judge.ts';
import type { Phase, PhaseContext, PhaseProgress, PhaseStart } from './phase.ts';
import { rowsOf } from './prepare.ts';

/**
 * Trains for some epochs: every epoch sees each training image once, in one of its views, in a new order, and ends with
 * the whole validation set.
 *
 * @returns the weights after the last epoch, and the best epoch so far
 */
export async function runPhase(
  phase: Phase,
  context: PhaseContext,
  start: PhaseStart,
): Promise<Omit<PhaseStart, 'states'>> {
  let { progress } = start;
  let weights = tensorsOf(start.weights);
  const centred = await centringOf(phase, context, weights);
  let engine = await openEngine(phase, context, centred, progress, weights, tensorsOf(start.states));
  const training = rowsOf(context.data, 'train');
  const validation = rowsOf(context.data, 'val');
  try {
    while (progress.epoch < phase.epochs && progress.waited < phase.stopAfter) {
      const began = performance.now();
      const trainLoss = await trainEpoch(phase, context, engine.stepper, training, progress);
      const moved = await engine.stepper.read();
      weights = new Map([...weights, ...moved.weights]);
      const probabilities = await engine.scorer.score(weights, context.stored, validation);
      if (!probabilities.every(Number.isFinite)) {
        throw new NumericError(
          'train/validation',
          `${phase.name}, epoch ${progress.epoch + 1}: expected finite probabilities of the validation images, got others`,
          'Lower the learning rate.',
        );
      }
      const scores = scoreValidation(context, validation, probabilities);
      const after = afterEpoch(phase, context, progress, scores, engine.stepper.steps);
      const thaws = after.progress.thawed !== progress.thawed;
      // AdamW corrects for a state that started at zero, by the steps since: what just thawed starts at zero now, and
      // with the corrections of a late step would move several times the rate. So all of its state starts again.
      const restarts = thaws && phase.optimizer.kind === 'adamw';
      const states = restarts ? new Map<string, Tensor>() : moved.states;
      const next: PhaseProgress = restarts ? { ...after.progress, steps: 0 } : after.progress;
      const report: EpochReport = {
        phase: phase.name,
        epoch: next.epoch,
        epochs: phase.epochs,
        trainLoss,
        ...scores,
        lr: rateAt(phase, progress, engine.stepper.steps - 1, stepsPerEpoch(phase, training.length)),
        frozen: frozenIn(phase, progress.thawed),
        seconds: (performance.now() - began) / 1000,
        markers: after.markers,
      };
      await context.onEpoch({
        report,
        progress: next,
        weights,
        states,
        improved: after.improved,
        validation: probabilities,
      });
      if (thaws && next.epoch < phase.epochs) {
        await engine.close();
        engine = await openEngine(phase, context, centred, next, weights, states);
      }
      progress = next;
      context.signal?.throwIfAborted();
    }
    return { progress, weights: floatsOf(weights) };
  } finally {
    await engine.close();
  }
}

const tensorsOf = (floats: ReadonlyMap<string, FloatTensor>): Map<string, Tensor> =>
  new Map([...floats].map(([name, { dims, data }]) => [name, float32(data, dims)]));

export const floatsOf = (tensors: ReadonlyMap<string, Tensor>): Map<string, FloatTensor> =>
  new Map(
    [...tensors].flatMap(([name, t]) =>
      t.dtype === 'float32' ? [[name, { dims: t.dims, data: t.data }] as const] : [],
    ),
  );
