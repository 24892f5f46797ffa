import { DataError, InterruptedError, ModelError, UsageError } from '../core/errors.ts';
import type { OnProgress } from '../core/events.ts';
import { sha256 } from '../core/hash.ts';
import { lockFolder } from '../core/lock.ts';
import { writeSplits } from '../dataset/splits-file.ts';
import type { Evaluation } from '../model/evaluate.ts';
import type { Settled } from '../model/settled.ts';
import { chooseDevice, type Device } from '../onnx/device.ts';
import { type RunProgress, readCheckpoint } from './checkpoint.ts';
import type { Config } from './config.ts';
import { describeData } from './describe.ts';
import type { OnTrainEvent } from './events.ts';
import { evaluateRun, exportModel } from './finish.ts';
import { prepareData } from './prepare.ts';
import { type Company, prepareFeatures } from './prepare-features.ts';
import { abandonRun, openRun, type RunFolder, startRun } from './run-folder.ts';
import { type Stages, trainPhases } from './stages.ts';

export interface TrainOptions {
  /** Folder of the run: new or empty to start one; with `resume`, one that was started before. */
  readonly out: string;
  readonly onEvent?: OnTrainEvent;
  /** Stops the run after the step in progress; what is done so far can be resumed. */
  readonly signal?: AbortSignal;
  /** Folder that remembers features. Default: `features` in the user's cache. */
  readonly cache?: string;
}

export interface TrainResult {
  readonly folder: RunFolder;
  readonly config: Config;
  /** Name of the backbone, and the cut that was given or chosen. */
  readonly backbone: string;
  readonly cut: string;
  readonly best: NonNullable<RunProgress['best']>;
  readonly validation: Evaluation;
  /** Undefined where the split has no test images. */
  readonly test: Evaluation | undefined;
  /** What was chosen on the validation images: temperature, threshold, limits. */
  readonly settled: Settled;
  /** Seconds by stage. */
  readonly seconds: Readonly<Record<string, number>>;
}

/**
 * Trains a classifier: data → split → trunk features → head → fine-tune → `model.onnx` → evaluation.
 *
 * @throws {NevusError} see the stages; a run that stops halfway can be resumed with `resumeTraining`. Of a run whose data
 *   or settings were refused before its first epoch nothing is left, for going on would end in the same way
 */
export async function train(config: Config, options: TrainOptions): Promise<TrainResult> {
  const device = await deviceOf(config, options);
  const folder = startRun(options.out, config);
  try {
    return await run(folder, config, device, options);
  } catch (error) {
    const refused = error instanceof UsageError || error instanceof DataError || error instanceof ModelError;
    if (refused && readCheckpoint(folder.checkpoint) === undefined) abandonRun(folder);
    throw error;
  }
}

/** Goes on with a run that was stopped, to the very result it would have had. */
export async function resumeTraining(options: TrainOptions): Promise<TrainResult> {
  const { folder, config } = openRun(options.out);
  return run(folder, config, await deviceOf(config, options), options);
}

/** Before anything else: a device that is missing is no reason to begin. */
function deviceOf({ device }: Config, { onEvent }: TrainOptions): Promise<Device> {
  return chooseDevice(device, (text) => onEvent?.({ kind: 'warning', text }));
}

async function run(folder: RunFolder, config: Config, device: Device, options: TrainOptions): Promise<TrainResult> {
  const unlock = lockFolder(folder.root, 'run folder');
  try {
    return await runStages(folder, config, device, options);
  } catch (error) {
    if (options.signal?.aborted === true) {
      throw new InterruptedError(
        'train/interrupted',
        `${folder.root}: stopped`,
        `Go on with it: nevus train --resume ${folder.root}`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    unlock();
  }
}

async function runStages(
  folder: RunFolder,
  config: Config,
  device: Device,
  options: TrainOptions,
): Promise<TrainResult> {
  const { onEvent = () => undefined, signal } = options;
  const onProgress: OnProgress = (progress) => onEvent({ kind: 'progress', progress });
  const seconds: Record<string, number> = {};
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    const result = await work();
    seconds[stage] = (seconds[stage] ?? 0) + (performance.now() - began) / 1000;
    return result;
  };

  const data = await timed('data', () => prepareData(config, onProgress, signal));
  describeData(data, onEvent);
  const resumed = readCheckpoint(folder.checkpoint);
  const fingerprint = sha256([data.hash, JSON.stringify(config)].join('\n'));
  if (resumed !== undefined && resumed.progress.fingerprint !== fingerprint) {
    throw new DataError(
      'run/changed',
      `${folder.root}: expected the data and settings that the run was started with, got others`,
      'Restore them, or start a new run.',
    );
  }
  writeSplits(
    folder.splits,
    data.root,
    data.rows.map((r) => r.example),
    new Map(data.rows.map((r) => [r.example.id, r.split])),
  );

  const company: Company = { onEvent, signal, timed };
  const prepared = await prepareFeatures(config, data, device, options.cache, company);
  try {
    const stages: Stages = { ...prepared, ...company, folder, fingerprint };
    const trained = await trainPhases(stages, resumed);
    const evaluated = await timed('evaluate', () => evaluateRun(stages, trained));
    await timed('export', () => exportModel(stages, trained, evaluated));
    onEvent({ kind: 'note', text: `model: ${folder.model}` });
    return {
      folder,
      config,
      backbone: prepared.backbone.name,
      cut: prepared.cut,
      best: trained.best,
      seconds,
      validation: evaluated.validation,
      test: evaluated.test,
      settled: evaluated.settled,
    };
  } finally {
    prepared.features.close();
  }
}
