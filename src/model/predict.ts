/** Predictions for image files. */
import { setTimeout } from 'node:timers/promises';
import { DataError } from '../core/errors.ts';
import type { OnProgress } from '../core/events.ts';
import { prefetch } from '../core/prefetch.ts';
import { decideRows } from '../evaluate/argmax.ts';
import { positiveProbabilities } from '../evaluate/metrics.ts';
import { decodeImage } from '../image/decode.ts';
import type { RgbImage } from '../image/types.ts';
import type { Classifier } from './classifier.ts';

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
  /** The coarser question's answer, where the model has a taxonomy: `malignant` and its probability. */
  readonly positive?: { readonly name: string; readonly probability: number };
}

/** What a model says of files: `paths` are those that could be read. */
export interface ClassifiedFiles {
  readonly paths: readonly string[];
  /** float32 [n × C], row-major. */
  readonly probabilities: Float32Array;
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
  { tta, onProgress, onBadFile }: PredictOptions = {},
): Promise<ClassifiedFiles> {
  const classes = classifier.labels.length;
  const probabilities = new Float32Array(paths.length * classes);
  const read: string[] = [];
  let waiting: RgbImage[] = [];
  let done = 0;
  const flush = async (): Promise<void> => {
    if (waiting.length > 0) {
      await setTimeout(HEAD_START);
      const result = await classifier.classify(waiting, { tta });
      probabilities.set(result.probabilities, (read.length - waiting.length) * classes);
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
  return { paths: read, probabilities: probabilities.subarray(0, read.length * classes) };
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
  const { labels, taxonomy, priors } = classifier;
  const { paths: read, probabilities } = await classifyFiles(classifier, paths, options);
  const best = decideRows(probabilities, labels.length, priors);
  const positives = taxonomy === undefined ? undefined : positiveProbabilities(labels, taxonomy, probabilities);
  return read.map((path, row): FilePrediction => {
    const p = probabilities.subarray(row * labels.length, (row + 1) * labels.length);
    return {
      path,
      predicted: labels[best[row]!]!,
      probability: p[best[row]!]!,
      probabilities: Object.fromEntries(labels.map((label, c) => [label, p[c]!])),
      ...(taxonomy === undefined || positives === undefined
        ? {}
        : { positive: { name: taxonomy.positive, probability: positives[row]! } }),
    };
  });
}
