/** A model's predictions and metrics on labelled data. */
import { join } from 'node:path';
import { DataError } from '../core/errors.ts';
import type { OnProgress } from '../core/events.ts';
import { writeFileAtomic } from '../core/files.ts';
import type { Example } from '../dataset/types.ts';
import { evaluatePredictions, type Metrics } from '../evaluate/metrics.ts';
import { type PredictedExample, type Predictions, writePredictions } from '../evaluate/predictions.ts';
import type { Classifier } from './classifier.ts';
import { classifyFiles } from './predict.ts';
import { type Question, questionOf } from './question.ts';

export interface EvaluateOptions {
  /** Average over the eight flips and quarter turns. Default false. */
  readonly tta?: boolean | undefined;
  /** Of the bootstrap's resampling. Default 0. */
  readonly seed?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Folder to write `predictions.csv` and `metrics.json` to. Default: nothing is written. */
  readonly out?: string | undefined;
}

export interface Evaluation {
  readonly predictions: Predictions;
  readonly metrics: Metrics;
}

/**
 * Runs a model over labelled images and measures its answers. See `questionOf` for data whose labels are not the
 * model's: a model of diagnoses can be tested on data that only say malignant or benign.
 *
 * Intervals resample whole lesions, or patients where the data name only those.
 *
 * @param examples from `readDataset`, after `inspectImages` has found them readable
 * @throws {DataError} no examples, a label that the model cannot answer, or an image that cannot be decoded
 * @throws {EnvironmentError} if the files cannot be written
 */
export async function evaluateDataset(
  classifier: Classifier,
  examples: readonly Example[],
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  if (examples.length === 0) throw new DataError('evaluate/empty', 'data: expected labelled images, got none');
  const { labels, taxonomy, priors, card } = classifier;
  const question = questionOf(
    { labels, taxonomy, priors, threshold: card.operatingPoint?.threshold },
    examples.map((example) => example.label),
  );
  const { probabilities } = await classifyFiles(
    classifier,
    examples.map((example) => example.path),
    { tta: options.tta, onProgress: options.onProgress, refuse: false },
  );
  const evaluation = evaluateAnswers(question, examples, question.answer(probabilities), options.seed);
  if (options.out !== undefined) writeEvaluation(options.out, evaluation);
  return evaluation;
}

/**
 * Metrics of probabilities that are there already, such as those that a training computed.
 *
 * @param probabilities float32 [n × labels of the question], row-major
 * @param seed of the bootstrap's resampling. Default 0
 */
export function evaluateAnswers(
  question: Pick<Question, 'labels' | 'taxonomy' | 'priors' | 'threshold' | 'classOf'>,
  examples: readonly Example[],
  probabilities: Float32Array,
  seed = 0,
): Evaluation {
  const { labels, taxonomy, priors, threshold } = question;
  const classes = examples.map(({ label }) => question.classOf.get(label) ?? label);
  const metrics = evaluatePredictions(
    {
      labels,
      taxonomy,
      priors,
      threshold,
      targets: classes.map((name) => labels.indexOf(name)),
      probabilities,
      groups: examples.map((example) => example.lesionId ?? example.patientId),
    },
    { seed },
  );
  const predicted = examples.map((example, i) => relabelled(example, classes[i]!));
  return { predictions: { labels, taxonomy, priors, examples: predicted, probabilities }, metrics };
}

/** The example under the class that it is counted as; what the data said is kept as an attribute. */
function relabelled({ split: _, ...example }: Example, label: string): PredictedExample {
  if (example.label === label) return example;
  return { ...example, label, attributes: { data_label: example.label, ...example.attributes } };
}

/** Writes `predictions.csv` and `metrics.json` into a folder, which is made if missing. */
export function writeEvaluation(folder: string, { predictions, metrics }: Evaluation): void {
  writePredictions(join(folder, 'predictions.csv'), predictions);
  writeFileAtomic(join(folder, 'metrics.json'), `${JSON.stringify(metrics, null, 2)}\n`);
}
