import { NumericError } from '../core/errors.ts';
import type { FloatTensor } from '../core/safetensors.ts';
import { float32, type Tensor } from '../onnx/model.ts';
import { hasCorrections } from '../optim/optimizers.ts';
import { centringOf, openEngine } from './engine.ts';
import { epochPlan, rateAt, trainEpoch } from './epoch.ts';
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
  const { updates } = epochPlan(phase, training.length);
  try {
    while (progress.epoch < phase.epochs && progress.waited < phase.stopAfter) {
      const began = performance.now();
      const trainLoss = await trainEpoch(phase, context, engine.stepper, training, progress);
      const moved = await engine.stepper.read();
      weights = new Map([...weights, ...moved.weights]);
      const answering = averaged(weights, moved.states);
      const probabilities = await engine.scorer.score(answering, context.stored, validation);
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
      // Adam corrects for a state that started at zero, by the steps since: what just thawed starts at zero now, and
      // with the corrections of a late step would move several times the rate. So all of its state starts again.
      const restarts = thaws && hasCorrections(phase.optimizer);
      const states = restarts ? averagesOf(moved.states) : moved.states;
      const next: PhaseProgress = restarts ? { ...after.progress, steps: 0 } : after.progress;
      const report: EpochReport = {
        phase: phase.name,
        epoch: next.epoch,
        epochs: phase.epochs,
        trainLoss,
        ...scores,
        lr: rateAt(phase, progress, next.epoch * updates - 1, updates),
        frozen: frozenIn(phase, progress.thawed),
        seconds: (performance.now() - began) / 1000,
        markers: after.markers,
      };
      await context.onEpoch({
        report,
        progress: next,
        weights,
        states,
        answering,
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

const AVERAGE = 'ema:';

/** The moving averages among the states of a stepper. */
const averagesOf = (states: ReadonlyMap<string, Tensor>): Map<string, Tensor> =>
  new Map([...states].filter(([name]) => name.startsWith(AVERAGE)));

/** The weights, each with a moving average in its place if it has one. */
function averaged(weights: ReadonlyMap<string, Tensor>, states: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const averages = [...averagesOf(states)].map(([name, t]) => [name.slice(AVERAGE.length), t] as const);
  return new Map([...weights, ...averages]);
}

const tensorsOf = (floats: ReadonlyMap<string, FloatTensor>): Map<string, Tensor> =>
  new Map([...floats].map(([name, { dims, data }]) => [name, float32(data, dims)]));

export const floatsOf = (tensors: ReadonlyMap<string, Tensor>): Map<string, FloatTensor> =>
  new Map(
    [...tensors].flatMap(([name, t]) =>
      t.dtype === 'float32' ? [[name, { dims: t.dims, data: t.data }] as const] : [],
    ),
  );
