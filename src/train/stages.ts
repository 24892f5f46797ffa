import { DataError } from '../core/errors.ts';
import { rngOf } from '../core/rng.ts';
import type { FloatTensor } from '../core/safetensors.ts';
import type { ExtractionItem } from '../features/extract.ts';
import { cutTensor, dimsAt, POOLED, tailGraph } from '../features/trunk.ts';
import { initHead } from '../model/head.ts';
import { type Checkpoint, type RunProgress, readBest, writeBest, writeCheckpoint } from './checkpoint.ts';
import { openLog } from './log.ts';
import type { Tail } from './network.ts';
import { type FinishedEpoch, freshProgress, type Phase, type PhaseContext, type PhaseStart } from './phase.ts';
import { classWeights, countByClass, decisionPriors } from './prepare.ts';
import type { Company, Prepared } from './prepare-features.ts';
import type { StoredRows } from './rows.ts';
import type { RunFolder } from './run-folder.ts';
import { floatsOf, runPhase } from './run-phase.ts';
import { openBoard } from './tensorboard/board.ts';
import { blockUnits, layerUnits, type Unit } from './units.ts';

/** Everything that the stages of a run share once the features are there. */
export interface Stages extends Prepared, Company {
  readonly folder: RunFolder;
  readonly fingerprint: string;
}

/** What training left: the best epoch and its weights, head and tail, by name. */
export interface Trained {
  readonly best: NonNullable<RunProgress['best']>;
  readonly weights: ReadonlyMap<string, FloatTensor>;
  /** The phase of the best epoch, whose features those weights work on. */
  readonly phase: Phase;
  readonly stored: StoredRows;
}

/** A phase and the features that it works on. */
export interface PlannedPhase {
  readonly phase: Phase;
  readonly stored: StoredRows;
}

/** The head first; then the tail, unless nothing lies behind the cut or the configuration says not to. */
export function planPhases({ config, backbone, cut, trunk, features, items }: Prepared): PlannedPhase[] {
  // Exactly the views that were asked for, whatever else the cache happens to hold.
  const places = (find: (key: string) => number | undefined, count: (item: ExtractionItem) => number): number[][] =>
    items.map((item) => item.views.slice(0, count(item)).flatMap((_, view) => find(features.keyOf(item, view)) ?? []));
  const all = (item: ExtractionItem): number => item.views.length;
  const looked = (item: ExtractionItem): number => (features.cut === undefined ? all(item) : item.pooledViews);
  const pooled: StoredRows = {
    store: features.pooled,
    dtype: 'float32',
    dims: [trunk.width],
    places: places(features.pooled.find, looked),
  };
  const headTail: Tail = {
    graph: undefined,
    cut: POOLED,
    features: POOLED,
    cutDims: [trunk.width],
    featureDims: [trunk.width],
    stored: 'float32',
  };
  const { views: _, ...headSettings } = config.headPhase;
  const head: PlannedPhase = {
    phase: {
      name: 'head',
      tail: headTail,
      units: [],
      trunk: 'backbone',
      schedule: 'plateau',
      warmUp: 0,
      accumulate: 1,
      ema: 0,
      headRate: 1,
      centre: false,
      ...headSettings,
    },
    stored: pooled,
  };
  const graph = tailGraph(backbone, cut);
  const { unfreeze, schedule, ...settings } = config.fineTune;
  if (graph === undefined || features.cut === undefined || trunk.cutDims === undefined || schedule === 'none')
    return [head];
  const units = unfreeze === 'block' ? blockUnits(graph, backbone) : layerUnits(graph);
  const tail: Tail = {
    graph,
    cut: cutTensor(backbone, cut),
    features: backbone.features,
    cutDims: trunk.cutDims,
    featureDims: dimsAt(backbone, backbone.features),
    stored: 'float16',
  };
  // The rate of these is high in the middle on purpose: the last epochs are the good ones.
  const ends = schedule === 'one-cycle' || schedule === 'cosine';
  const stopAfter = ends ? Number.POSITIVE_INFINITY : settings.stopAfter;
  const fineTune: PlannedPhase = {
    phase: {
      name: 'fine-tune',
      tail,
      units,
      trunk: cut === 'input' ? 'nothing' : `up to ${cut}`,
      ...settings,
      schedule,
      stopAfter,
    },
    stored: { store: features.cut, dtype: 'float16', dims: trunk.cutDims, places: places(features.cut.find, all) },
  };
  return [head, fineTune];
}

/**
 * Head, then fine-tuning from the head's best epoch; each from the beginning, or from where the checkpoint left it.
 *
 * @throws {DataError} if no phase has an epoch
 */
export async function trainPhases(stages: Stages, resumed: Checkpoint | undefined): Promise<Trained> {
  const { folder, data, config } = stages;
  const at = resumed?.progress;
  const log = openLog(folder.log, at?.logBytes ?? 0);
  const board = openBoard(folder.tensorboard, data, decisionPriors(data, config), at?.globalEpoch ?? 0);
  let globalEpoch = at?.globalEpoch ?? 0;
  let best = at?.best ?? null;
  let weights = headWeights(stages);
  const planned = planPhases(stages);
  if (at === undefined) logStart(stages, log);

  const remember = async ({
    report,
    progress,
    weights,
    states,
    answering,
    improved,
    validation,
  }: FinishedEpoch): Promise<void> => {
    globalEpoch += 1;
    stages.onEvent({ kind: 'epoch', report });
    log.write({ event: 'epoch', ...report });
    await board.epoch(globalEpoch, report, answering, validation);
    if (improved) writeBest(folder.checkpoint, report.phase, floatsOf(answering));
    writeCheckpoint(folder.checkpoint, {
      progress: { schemaVersion: 1, fingerprint: stages.fingerprint, ...progress, logBytes: log.bytes, globalEpoch },
      weights: floatsOf(weights),
      states: floatsOf(states),
    });
  };
  try {
    for (const one of planned) {
      const { phase } = one;
      if (at?.phase === 'fine-tune' && phase.name === 'head') continue;
      const goesOn = resumed !== undefined && at?.phase === phase.name;
      if (!goesOn && best !== null) weights = readBest(folder.checkpoint, best.phase);
      const start: PhaseStart = goesOn
        ? { progress: resumed.progress, weights: resumed.weights, states: resumed.states }
        : { progress: freshProgress(phase, best), weights: withTail(weights, phase), states: new Map() };
      if (start.progress.epoch < phase.epochs) stages.onEvent({ kind: 'heading', text: headingOf(phase, stages) });
      const { progress } = await stages.timed(phase.name, () =>
        runPhase(phase, contextOf(stages, stages, one, remember), start),
      );
      best = progress.best;
    }
  } finally {
    log.close();
    board.close();
  }
  const last = planned.find(({ phase }) => phase.name === best?.phase);
  if (best === null || last === undefined) {
    throw new DataError(
      'train/epochs',
      'train: expected at least one epoch of training, got none',
      'Set epochs of headPhase or fineTune above 0.',
    );
  }
  return { best, weights: readBest(folder.checkpoint, best.phase), ...last };
}

function headingOf(phase: Phase, { cut }: Stages): string {
  return phase.name === 'head'
    ? 'Phase 1: the head on a frozen backbone'
    : `Phase 2: fine-tuning behind ${cut} (${phase.schedule})`;
}

function logStart({ backbone, cut, data, trunk, fingerprint, target }: Stages, log: ReturnType<typeof openLog>): void {
  log.write({
    event: 'data',
    format: data.format,
    images: data.rows.length,
    problems: data.problems.length,
    labels: data.labels,
    counts: countByClass(data),
    hash: data.hash,
  });
  log.write({
    event: 'trunk',
    backbone: backbone.name,
    sha256: backbone.sha256,
    features: backbone.features,
    cut,
    width: trunk.width,
    fingerprint,
    device: target.device ?? 'cpu',
  });
}

/** The head's weights before they are trained. */
export function headWeights({ config, data, trunk }: Prepared): ReadonlyMap<string, FloatTensor> {
  return floatsOf(initHead(config.head, trunk.width, data.labels.length, rngOf(config.seed, 'head')));
}

/** The head's weights with those of the tail that a phase may move, as the backbone has them. */
export function withTail(head: ReadonlyMap<string, FloatTensor>, { tail, units }: Phase): Map<string, FloatTensor> {
  const all = new Map(head);
  for (const name of units.flatMap((unit: Unit) => unit.weights)) {
    const tensor = tail.graph?.initializers.get(name);
    if (tensor?.dtype === 'float32' && !all.has(name)) all.set(name, { dims: tensor.dims, data: tensor.data });
  }
  return all;
}

/** What a phase of a run works on. */
export function contextOf(
  { config, data, threads, target }: Prepared,
  { signal, onEvent }: Company,
  { phase, stored }: PlannedPhase,
  onEpoch: PhaseContext['onEpoch'],
): PhaseContext {
  return {
    data,
    stored,
    head: config.head,
    loss: config.loss,
    classWeights: classWeights(countByClass(data).train, config.classWeights),
    priors: decisionPriors(data, config),
    best: config.best,
    seed: config.seed,
    threads,
    target,
    signal,
    onStep: (done, total, epoch) =>
      onEvent({
        kind: 'progress',
        progress: { stage: `${phase.name} ${epoch}/${phase.epochs}`, done, total, unit: 'images', transient: true },
      }),
    onEpoch,
  };
}
