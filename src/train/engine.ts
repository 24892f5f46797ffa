import { rngOf, shuffled } from '../core/rng.ts';
import { headParameters } from '../model/head.ts';
import type { Tensor } from '../onnx/model.ts';
import { type Centred, measureCentring } from './centring.ts';
import { epochPlan } from './epoch.ts';
import { buildNetwork } from './network.ts';
import type { Phase, PhaseContext, PhaseProgress } from './phase.ts';
import { rowsOf } from './prepare.ts';
import { openScorer, type Scorer } from './scorer.ts';
import { openStepper, type Stepper } from './step.ts';

/** Rows scored at a time between epochs. */
const SCORE_BATCH = 32;

/** Images that the mean inputs of kernels are measured on. */
const MEASURED = 32;

/** Mean inputs of the tail's kernels, from the backbone as it came: the same however often a run is resumed. */
export async function centringOf(
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

/** What a phase runs on until the next thaw. */
export interface Engine {
  readonly stepper: Stepper;
  readonly scorer: Scorer;
  close(): Promise<void>;
}

/** The step for what is thawed now. Everything frozen is a constant. */
export function openPhaseStepper(
  phase: Phase,
  { head, data, loss, threads, target }: PhaseContext,
  centred: readonly Centred[],
  { thawed, steps }: Pick<PhaseProgress, 'thawed' | 'steps'>,
  weights: ReadonlyMap<string, Tensor>,
  states: ReadonlyMap<string, Tensor>,
): Promise<Stepper> {
  const classes = data.labels.length;
  const headWeights = headParameters(head);
  const thawedWeights = phase.units.slice(0, thawed).flatMap((u) => u.weights);
  const network = buildNetwork(phase.tail, head, classes, weights, phase.name === 'head' ? 'train' : 'fine-tune');
  const { batch, accumulate } = epochPlan(phase, rowsOf(data, 'train').length);
  return openStepper(
    {
      network,
      trainable: [...thawedWeights, ...headWeights],
      batch,
      loss,
      optimizer: phase.optimizer,
      clipNorm: phase.clipNorm,
      rates: new Map(headWeights.map((name) => [name, phase.headRate])),
      centred,
      accumulate,
      ema: phase.ema,
    },
    target,
    { ...(threads === undefined ? {} : { threads }), states, steps },
  );
}

/** The step and the scorer for what is thawed now. Everything frozen is a constant in both. */
export async function openEngine(
  phase: Phase,
  context: PhaseContext,
  centred: readonly Centred[],
  progress: PhaseProgress,
  weights: ReadonlyMap<string, Tensor>,
  states: ReadonlyMap<string, Tensor>,
): Promise<Engine> {
  const { head, data, threads, target } = context;
  const classes = data.labels.length;
  const stepper = await openPhaseStepper(phase, context, centred, progress, weights, states);
  const scorer = await openScorer(
    buildNetwork(phase.tail, head, classes, weights, 'infer'),
    stepper.moving,
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
