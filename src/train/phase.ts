import type { Target } from '../autodiff/lower/lower.ts';
import { NumericError } from '../core/errors.ts';
import { rngOf, shuffled } from '../core/rng.ts';
import type { FloatTensor } from '../core/safetensors.ts';
import { argmaxRows } from '../evaluate/argmax.ts';
import { auc, oneVsRestAuc } from '../evaluate/auc.ts';
import { accuracyOf, balancedAccuracyOf, confusionMatrix } from '../evaluate/confusion.ts';
import { isDefined, meanOfDefined } from '../evaluate/metric.ts';
import { positiveProbabilities } from '../evaluate/metrics.ts';
import { DROPOUT_MASK, dropoutMask, type HeadSpec, headParameters } from '../model/head.ts';
import { float32, type Tensor } from '../onnx/model.ts';
import type { LossSpec } from '../optim/losses.ts';
import type { OptimizerSpec } from '../optim/optimizers.ts';
import { oneCycle, watchPlateau } from '../optim/schedules.ts';
import { type Centred, measureCentring } from './centring.ts';
import type { RunProgress } from './checkpoint.ts';
import type { EpochMarker, EpochReport } from './events.ts';
import { buildNetwork, type Tail } from './network.ts';
import type { PreparedData } from './prepare.ts';
import { type RowView, readBatch, type StoredRows } from './rows.ts';
import { openScorer, type Scorer } from './scorer.ts';
import { openStepper, type Stepper } from './step.ts';
import type { Unit } from './units.ts';

/** Rows scored at a time between epochs. */
const SCORE_BATCH = 32;

/** One phase of training: what moves, on which features, at which rate. */
export interface Phase {
  readonly name: 'head' | 'fine-tune';
  readonly tail: Tail;
  /** What lies before the tail, in a few words: `up to mixed8`. */
  readonly trunk: string;
  /** Units of the tail from the top; all thawed for a one-cycle, one more at each plateau for progressive. */
  readonly units: readonly Unit[];
  readonly schedule: 'plateau' | 'progressive' | 'one-cycle';
  readonly epochs: number;
  readonly batch: number;
  readonly optimizer: OptimizerSpec;
  readonly rate: number;
  readonly clipNorm: number;
  /** Rate of the head relative to the tail. */
  readonly headRate: number;
  /** Whether the kernels of the tail train as if their inputs had mean zero. */
  readonly centre: boolean;
  readonly reduce: { readonly factor: number; readonly patience: number };
  readonly stopAfter: number;
}

/** What a phase works on. */
export interface PhaseContext {
  readonly data: PreparedData;
  readonly stored: StoredRows;
  readonly head: HeadSpec;
  readonly loss: LossSpec;
  readonly classWeights: readonly number[];
  readonly best: 'loss' | 'auc';
  readonly seed: number;
  readonly threads: number | undefined;
  readonly target: Target;
  readonly signal: AbortSignal | undefined;
  /** Told of every finished step. */
  readonly onStep: (done: number, total: number, epoch: number) => void;
  /** Told of every finished epoch, with what to remember; called before the next one starts. */
  readonly onEpoch: (epoch: FinishedEpoch) => Promise<void>;
}

export interface FinishedEpoch {
  readonly report: EpochReport;
  readonly progress: PhaseProgress;
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly states: ReadonlyMap<string, Tensor>;
  /** Whether this is the best epoch of the run so far. */
  readonly improved: boolean;
  /** [validation rows × C] */
  readonly validation: Float32Array;
}

/** The part of a run's progress that a phase moves. */
export type PhaseProgress = Pick<
  RunProgress,
  'phase' | 'epoch' | 'steps' | 'rate' | 'reduce' | 'waited' | 'thawed' | 'best'
>;

/** Where a phase starts: fresh, or from a checkpoint. */
export interface PhaseStart {
  readonly progress: PhaseProgress;
  readonly weights: ReadonlyMap<string, FloatTensor>;
  readonly states: ReadonlyMap<string, FloatTensor>;
}

/** The progress of a phase that has not begun. */
export function freshProgress(phase: Phase, best: RunProgress['best']): PhaseProgress {
  const thawed = phase.schedule === 'one-cycle' ? phase.units.length : Math.min(1, phase.units.length);
  return {
    phase: phase.name,
    epoch: 0,
    steps: 0,
    rate: phase.rate,
    reduce: { best: null, waited: 0 },
    waited: 0,
    thawed,
    best,
  };
}

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
      weights = new Map([...weights, ...engine.stepper.weights]);
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
      const states = restarts ? new Map<string, Tensor>() : engine.stepper.states;
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

/** Images that the mean inputs of kernels are measured on. */
const MEASURED = 32;

/** Mean inputs of the tail's kernels, from the backbone as it came: the same however often a run is resumed. */
async function centringOf(
  { centre, tail, units }: Phase,
  { data, head, stored, seed, target, threads }: PhaseContext,
  weights: ReadonlyMap<string, Tensor>,
): Promise<readonly Centred[]> {
  if (!centre || tail.graph === undefined) return [];
  const own = new Map([...weights].filter(([name]) => !tail.graph!.initializers.has(name)));
  const network = buildNetwork(tail, head, data.labels.length, own, 'infer');
  const sample = shuffled(rowsOf(data, 'train'), rngOf(seed, 'centring')).slice(0, MEASURED);
  const views = sample.map((row) => ({ row, view: 0 }));
  return measureCentring(tail.graph, network, new Set(units.flatMap((u) => u.weights)), stored, views, target, threads);
}

interface Engine {
  readonly stepper: Stepper;
  readonly scorer: Scorer;
  close(): Promise<void>;
}

/** The step and the scorer for what is thawed now. Everything frozen is a constant in both. */
async function openEngine(
  phase: Phase,
  { head, data, loss, threads, target }: PhaseContext,
  centred: readonly Centred[],
  { thawed, steps }: PhaseProgress,
  weights: ReadonlyMap<string, Tensor>,
  states: ReadonlyMap<string, Tensor>,
): Promise<Engine> {
  const classes = data.labels.length;
  const headWeights = headParameters(head);
  const thawedWeights = phase.units.slice(0, thawed).flatMap((u) => u.weights);
  const network = buildNetwork(phase.tail, head, classes, weights, phase.name === 'head' ? 'train' : 'fine-tune');
  const batch = Math.min(phase.batch, rowsOf(data, 'train').length);
  const stepper = await openStepper(
    {
      network,
      trainable: [...thawedWeights, ...headWeights],
      batch,
      loss,
      optimizer: phase.optimizer,
      clipNorm: phase.clipNorm,
      rates: new Map(headWeights.map((name) => [name, phase.headRate])),
      centred,
    },
    target,
    { ...(threads === undefined ? {} : { threads }), states, steps },
  );
  const scorer = await openScorer(
    buildNetwork(phase.tail, head, classes, weights, 'infer'),
    [...stepper.weights.keys()],
    classes,
    SCORE_BATCH,
    target,
    threads,
  );
  return {
    stepper,
    scorer,
    close: async () => {
      await stepper.close();
      await scorer.close();
    },
  };
}

async function trainEpoch(
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
function stepsPerEpoch(phase: Phase, rows: number): number {
  return Math.max(1, Math.floor(rows / phase.batch));
}

function rateAt(phase: Phase, { rate }: PhaseProgress, step: number, perEpoch: number): number {
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

type Scores = Pick<EpochReport, 'valLoss' | 'accuracy' | 'balancedAccuracy' | 'auc' | 'confusionMatrix'>;

function scoreValidation(
  { data, classWeights }: PhaseContext,
  validation: readonly number[],
  probabilities: Float32Array,
): Scores {
  const { labels, taxonomy } = data;
  const classes = labels.length;
  const targets = validation.map((row) => data.rows[row]!.target);
  let loss = 0;
  let weight = 0;
  targets.forEach((t, i) => {
    loss -= classWeights[t]! * Math.log(Math.max(probabilities[i * classes + t]!, 1e-12));
    weight += classWeights[t]!;
  });
  const matrix = confusionMatrix(targets, argmaxRows(probabilities, classes), classes);
  const area =
    taxonomy === undefined
      ? meanOfDefined(oneVsRestAuc(probabilities, targets, classes), 'no class has both')
      : auc(
          positiveProbabilities(labels, taxonomy, probabilities),
          targets.map((t) => taxonomy.positiveLabels.includes(labels[t]!)),
        );
  const accuracy = accuracyOf(matrix);
  const balanced = balancedAccuracyOf(matrix);
  return {
    valLoss: loss / weight,
    accuracy: isDefined(accuracy) ? accuracy : 0,
    balancedAccuracy: isDefined(balanced) ? balanced : 0,
    auc: area,
    confusionMatrix: matrix,
  };
}

/** The rate, the thaw line and the best epoch after an epoch. */
function afterEpoch(
  phase: Phase,
  context: PhaseContext,
  before: PhaseProgress,
  scores: Scores,
  steps: number,
): { progress: PhaseProgress; improved: boolean; markers: EpochMarker[] } {
  const markers: EpochMarker[] = [];
  // Higher is better. Where no AUC is defined the loss decides.
  const score = context.best === 'auc' && isDefined(scores.auc) ? scores.auc : -scores.valLoss;
  const epoch = before.epoch + 1;
  const improved = before.best === null || score > before.best.score;
  const watched = watchPlateau(
    { best: before.reduce.best ?? Number.POSITIVE_INFINITY, waited: before.reduce.waited },
    scores.valLoss,
    { patience: phase.reduce.patience },
  );
  let { rate, thawed } = before;
  if (improved) markers.push({ kind: 'best' });
  if (phase.schedule !== 'one-cycle' && watched.plateau && epoch < phase.epochs) {
    rate *= phase.reduce.factor;
    markers.push({ kind: 'rate', from: before.rate, to: rate });
    if (phase.schedule === 'progressive' && thawed < phase.units.length) {
      thawed += 1;
      markers.push({ kind: 'thaw', layer: phase.units[thawed - 1]!.name });
    }
  }
  const waited = improved ? 0 : before.waited + 1;
  if (waited >= phase.stopAfter) markers.push({ kind: 'stop', reason: `no better score for ${waited} epochs` });
  const progress: PhaseProgress = {
    phase: phase.name,
    epoch,
    steps,
    rate,
    reduce: watched.state,
    waited,
    thawed,
    best: improved ? { phase: phase.name, epoch, score } : before.best,
  };
  return { progress, improved, markers };
}

/** What stays as it was: the whole backbone, what lies before the cut, or what lies below the thaw line. */
function frozenIn({ units, trunk }: Phase, thawed: number): string {
  if (units.length === 0) return 'backbone';
  return thawed === units.length ? trunk : `below ${units[thawed - 1]!.name}`;
}

/** Indices of a split's rows. */
export function rowsOf({ rows }: PreparedData, split: 'train' | 'val' | 'test'): number[] {
  return rows.flatMap((row, i) => (row.split === split ? [i] : []));
}

const tensorsOf = (floats: ReadonlyMap<string, FloatTensor>): Map<string, Tensor> =>
  new Map([...floats].map(([name, { dims, data }]) => [name, float32(data, dims)]));

export const floatsOf = (tensors: ReadonlyMap<string, Tensor>): Map<string, FloatTensor> =>
  new Map(
    [...tensors].flatMap(([name, t]) =>
      t.dtype === 'float32' ? [[name, { dims: t.dims, data: t.data }] as const] : [],
    ),
  );
