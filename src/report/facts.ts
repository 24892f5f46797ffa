import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { definedOnly } from '../core/defined-only.ts';
import { DataError, messageOf, NevusError } from '../core/errors.ts';
import { sha256OfFile } from '../core/hash.ts';
import { readDataset } from '../dataset/read.ts';
import { readSplits, type SplitRow } from '../dataset/splits-file.ts';
import type { Dataset } from '../dataset/types.ts';
import { positiveProbabilities } from '../evaluate/metrics.ts';
import { type ReadPredictions, readPredictions } from '../evaluate/predictions.ts';
import { cardFromMetadata, type ModelCard } from '../model/card.ts';
import { readModel } from '../onnx/protobuf.ts';
import type { Config } from '../train/config.ts';
import { openRun } from '../train/run-folder.ts';
import { type ReportedMetrics, readMetrics } from './metrics-file.ts';
import { type RunLog, readRunLog } from './run-log.ts';

/** The yes-or-no question, case by case. */
export interface Question {
  readonly name: string;
  readonly negative: string;
  readonly positiveLabels: readonly string[];
  /** [n], probability of the positive answer. */
  readonly scores: Float64Array;
  /** [n] */
  readonly positives: readonly boolean[];
}

/** A partition that was measured. */
export interface Measured {
  readonly metrics: ReportedMetrics;
  readonly predictions: ReadPredictions;
  /** Lesion or patient of each case. */
  readonly groups: readonly (string | undefined)[];
  /** Undefined where the labels answer no coarser question. */
  readonly question: Question | undefined;
}

/** Everything that a report is made from, read from a run's folder. */
export interface RunFacts {
  readonly root: string;
  readonly config: Config;
  readonly log: RunLog;
  readonly splits: readonly SplitRow[];
  readonly validation: Measured | undefined;
  readonly test: Measured | undefined;
  /** What the model says of itself, and its file. */
  readonly model: { readonly card: ModelCard; readonly bytes: number; readonly sha256: string } | undefined;
  /** The data that the run was made from; or why they cannot be read where the report is made. */
  readonly dataset: Dataset | { readonly missing: string };
}

/**
 * Reads a run. What the run does not have is undefined.
 *
 * @throws {UsageError} no run there
 * @throws {DataError} no predictions there, for its training has not ended; or a damaged file
 * @throws {ModelError} a damaged model
 */
export async function readFacts(root: string): Promise<RunFacts> {
  const { folder, config } = openRun(root);
  const card = existsSync(folder.model) ? cardFromMetadata(readModel(folder.model).metadata, folder.model) : undefined;
  const validation = measured(folder.validation, card);
  const test = measured(folder.test, card);
  if (validation === undefined && test === undefined) {
    throw new DataError(
      'report/unfinished',
      `${root}: expected a finished run, got one without predictions`,
      `Finish it: nevus train --resume ${root}`,
    );
  }
  return {
    root,
    config,
    log: readRunLog(folder.log),
    splits: existsSync(folder.splits) ? readSplits(folder.splits, config.data) : [],
    validation,
    test,
    model:
      card === undefined ? undefined : { card, bytes: statSync(folder.model).size, sha256: sha256OfFile(folder.model) },
    dataset: await dataOf(config),
  };
}

/** The partition that a reader should judge by: test, or validation where there is no test. */
export function judged({ test, validation }: RunFacts): Measured {
  const found = test ?? validation;
  if (found === undefined) throw new DataError('report/unfinished', 'report: expected predictions, got none');
  return found;
}

async function dataOf(config: Config): Promise<RunFacts['dataset']> {
  try {
    return await readDataset(config.data, { ...definedOnly(config.columns), minLabels: 1 });
  } catch (error) {
    if (!(error instanceof NevusError)) throw error;
    return { missing: messageOf(error) };
  }
}

function measured(folder: string, card: ModelCard | undefined): Measured | undefined {
  if (!existsSync(join(folder, 'metrics.json')) || !existsSync(join(folder, 'predictions.csv'))) return undefined;
  const metrics = readMetrics(join(folder, 'metrics.json'));
  const predictions = readPredictions(join(folder, 'predictions.csv'));
  const { examples } = predictions;
  if (examples.length !== metrics.n) {
    throw new DataError(
      'report/mismatch',
      `${folder}: expected predictions of ${metrics.n} cases, as in metrics.json, got ${examples.length}`,
    );
  }
  return {
    metrics,
    predictions,
    groups: examples.map(({ lesionId, patientId }) => lesionId ?? patientId),
    question: questionOf(metrics, predictions, card),
  };
}

function questionOf(
  { malignant }: ReportedMetrics,
  { labels, probabilities, positive, examples }: ReadPredictions,
  card: ModelCard | undefined,
): Question | undefined {
  if (malignant === undefined) return undefined;
  const { name, positiveLabels } = malignant;
  const negative = card?.taxonomy?.negative ?? `not ${name}`;
  return {
    name,
    negative,
    positiveLabels,
    scores:
      positive === undefined
        ? positiveProbabilities(labels, { positive: name, negative, positiveLabels }, probabilities)
        : Float64Array.from(positive.probabilities),
    positives: examples.map(({ label }) => label !== undefined && positiveLabels.includes(label)),
  };
}
