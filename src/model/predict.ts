/** Predictions for image files. */
import { setTimeout } from 'node:timers/promises';
import { definedOnly } from '../core/defined-only.ts';
import { DataError } from '../core/errors.ts';
import type { OnProgress } from '../core/events.ts';
import { prefetch } from '../core/prefetch.ts';
import type { Taxonomy } from '../dataset/types.ts';
import { decideRows } from '../evaluate/argmax.ts';
import { applyPlatt } from '../evaluate/calibrate/platt.ts';
import { positiveProbabilities } from '../evaluate/metrics.ts';
import { decodeImage } from '../image/decode.ts';
import type { RgbImage } from '../image/types.ts';
import type { ModelCard } from './card.ts';
import type { Classifier } from './classifier.ts';
import { refusalOf } from './refusal.ts';

export interface PredictOptions {
  /** Average over the eight flips and quarter turns. Default false. */
  readonly tta?: boolean | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Told of each file that is not an image, which is then left out. Default: the first one is thrown. */
  readonly onBadFile?: ((path: string, error: DataError) => void) | undefined;
}

/** The answer for one file. */
export interface FilePrediction {
  readonly path: string;
  /** The label that the model's decision names: the most probable one, or most above its prior; see `decideRows`. */
  readonly predicted: string;
  /** Its probability. */
  readonly probability: number;
  /** Every label's probability, in the model's order. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** The coarser question's answer, where the model has a taxonomy. */
  readonly positive?: PositiveAnswer;
  /** False where the model was not made for such an image: what it says of it then means nothing. */
  readonly accepted: boolean;
  /** Why the image is not accepted. */
  readonly reason?: string;
  /** How unlike the training images it is, where the model can say. */
  readonly oodScore?: number;
}

/** The answer to the coarser question. */
export interface PositiveAnswer {
  /** What is asked for: `malignant`. */
  readonly name: string;
  /** Probabilities of its labels added up. */
  readonly probability: number;
  /** The same after Platt scaling on validation images, where the model has it. */
  readonly calibrated?: number;
  /** The answer is yes at this `probability` or above; chosen on validation images. Absent from models that have none. */
  readonly threshold?: number;
  /** `malignant` or `benign`: the taxonomy's word. Where there is a threshold. */
  readonly answer?: string;
}

/** What a model says of files: `paths` are those that could be read. */
export interface ClassifiedFiles {
  readonly paths: readonly string[];
  /** float32 [n × C], row-major. */
  readonly probabilities: Float32Array;
  /** [n], why an image is refused; undefined for the others, and empty where it was not asked. */
  readonly refusals: readonly (string | undefined)[];
  /** float32 [n], or undefined where the model has no such score. */
  readonly oodScores: Float32Array | undefined;
}

interface ClassifyFilesOptions extends PredictOptions {
  /** Whether to look for reasons to refuse an image. Default true. */
  readonly refuse?: boolean | undefined;
}

/** Files of one call of the model. */
const BATCH = 8;
/** Pictures decoded or being decoded while the model runs. */
const AHEAD = 12;
/** Milliseconds for the decoder's threads to open the next files: running a model blocks whatever comes after. */
const HEAD_START = 2;

/**
 * Probabilities of image files, in order. The next pictures are decoded while the model computes; memory does not grow
 * with their number.
 *
 * @throws {DataError} a file that cannot be decoded, unless `onBadFile` is given
 */
export async function classifyFiles(
  classifier: Classifier,
  paths: readonly string[],
  { tta, onProgress, onBadFile, refuse = true }: ClassifyFilesOptions = {},
): Promise<ClassifiedFiles> {
  const classes = classifier.labels.length;
  const probabilities = new Float32Array(paths.length * classes);
  const read: string[] = [];
  const refusals: (string | undefined)[] = [];
  const scores: number[] = [];
  let waiting: RgbImage[] = [];
  let done = 0;
  const flush = async (): Promise<void> => {
    if (waiting.length > 0) {
      await setTimeout(HEAD_START);
      const result = await classifier.classify(waiting, { tta });
      probabilities.set(result.probabilities, (read.length - waiting.length) * classes);
      scores.push(...(result.oodScores ?? []));
      if (refuse) {
        refusals.push(...waiting.map((image, i) => refusalOf(classifier.card, image, result.oodScores?.[i])));
      }
      waiting = [];
    }
    onProgress?.({ stage: 'predict', done, total: paths.length, unit: 'images' });
  };
  for await (const [path, picture] of prefetch(paths, decodeOrError, AHEAD)) {
    done++;
    if (picture instanceof DataError) {
      if (onBadFile === undefined) throw picture;
      onBadFile(path, picture);
    } else {
      read.push(path);
      waiting.push(picture);
    }
    if (waiting.length === BATCH || done === paths.length) await flush();
  }
  return {
    paths: read,
    probabilities: probabilities.subarray(0, read.length * classes),
    refusals,
    oodScores: scores.length === read.length && read.length > 0 ? Float32Array.from(scores) : undefined,
  };
}

async function decodeOrError(path: string): Promise<RgbImage | DataError> {
  try {
    return await decodeImage(path);
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}

/**
 * The model's answer for each image file.
 *
 * @throws {DataError} a file that cannot be decoded, unless `onBadFile` is given
 */
export async function predictFiles(
  classifier: Classifier,
  paths: readonly string[],
  options: PredictOptions = {},
): Promise<FilePrediction[]> {
  const { labels, taxonomy, priors, card } = classifier;
  const { paths: read, probabilities, refusals, oodScores } = await classifyFiles(classifier, paths, options);
  const best = decideRows(probabilities, labels.length, priors);
  const positives = taxonomy === undefined ? undefined : positiveProbabilities(labels, taxonomy, probabilities);
  return read.map((path, row): FilePrediction => {
    const p = probabilities.subarray(row * labels.length, (row + 1) * labels.length);
    const reason = refusals[row];
    return {
      path,
      predicted: labels[best[row]!]!,
      probability: p[best[row]!]!,
      probabilities: Object.fromEntries(labels.map((label, c) => [label, p[c]!])),
      ...(taxonomy === undefined || positives === undefined
        ? {}
        : { positive: positiveAnswer(card, taxonomy, positives[row]!) }),
      accepted: reason === undefined,
      ...definedOnly({ reason, oodScore: oodScores?.[row] }),
    };
  });
}

function positiveAnswer(
  { calibration, operatingPoint }: ModelCard,
  { positive, negative }: Taxonomy,
  probability: number,
): PositiveAnswer {
  const calibrated = calibration?.platt === undefined ? undefined : applyPlatt(calibration.platt, probability);
  const threshold = operatingPoint?.threshold;
  const answer = threshold === undefined ? undefined : probability >= threshold ? positive : negative;
  return { name: positive, probability, ...definedOnly({ calibrated, threshold, answer }) };
}
