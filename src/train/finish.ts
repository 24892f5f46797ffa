import { join } from 'node:path';
import { NumericError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { sha256 } from '../core/hash.ts';
import { prefetch } from '../core/prefetch.ts';
import { relativePath } from '../dataset/files.ts';
import { probabilitiesAt, type ViewedLogits } from '../evaluate/calibrate/temperature.ts';
import { temperedPriors } from '../evaluate/calibrate/tempered-priors.ts';
import { decodeImage } from '../image/decode.ts';
import { modelCard } from '../model/card.ts';
import { openClassifier } from '../model/classifier.ts';
import { type Evaluation, evaluateAnswers, writeEvaluation } from '../model/evaluate.ts';
import { fitOutliers, type OutlierModel, outlierScores } from '../model/outliers.ts';
import { type ImageQuality, imageQuality } from '../model/quality.ts';
import type { Settled } from '../model/settled.ts';
import { shipModel } from '../model/ship.ts';
import { float32 } from '../onnx/model.ts';
import { encodeModel } from '../onnx/protobuf.ts';
import { type Answers, openAnswers } from './answers.ts';
import { calibrationReport } from './calibration-report.ts';
import { buildNetwork } from './network.ts';
import { decisionPriors, rowsOf } from './prepare.ts';
import { describeSettled, settle } from './settle.ts';
import type { Stages, Trained } from './stages.ts';

/** Most that a probability of the shipped file may differ from what training computed for the same image. */
const AGREEMENT = 1e-3;
/** The same for scores of unlikeness, relative to their threshold: they add up rounded features a thousandfold. */
const OOD_AGREEMENT = 0.05;
/** Validation images on which the shipped file is checked. */
const CHECKED = 24;
const SCORE_BATCH = 16;

/** Training images that the model of outliers is fitted to, at most: some for each of its directions. */
const OUTLIER_IMAGES = 3000;
/** Validation images whose quality is measured, at most. */
const QUALITY_IMAGES = 400;
/** Pictures decoded ahead. */
const AHEAD = 8;

export interface RunEvaluation {
  readonly validation: Evaluation;
  /** Undefined where the split has no test images. */
  readonly test: Evaluation | undefined;
  /** What the validation images settled. */
  readonly settled: Settled;
  readonly outliers: OutlierModel | undefined;
  /** `ood_score` of the validation images. */
  readonly oodScores: Float32Array | undefined;
}

/** What the best weights say of a split's images. */
interface SplitAnswers extends ViewedLogits {
  readonly rows: readonly number[];
  readonly targets: readonly number[];
  readonly oodScores: Float32Array | undefined;
}

/**
 * Predictions and metrics of the best weights on validation and test images, from their remembered features. First the
 * validation images settle temperature, threshold and limits; what they settled is then applied to both.
 */
export async function evaluateRun(stages: Stages, trained: Trained): Promise<RunEvaluation> {
  const { config, data, folder, threads, target } = stages;
  const weights = new Map([...trained.weights].map(([name, t]) => [name, float32(t.data, t.dims)]));
  const { tail } = trained.phase;
  const network = buildNetwork(tail, config.head, data.labels.length, weights, 'infer');
  const answers = await openAnswers(network, data.labels.length, tail.featureDims[0]!, SCORE_BATCH, target, threads);
  try {
    const outliers = config.oodQuantile === null ? undefined : await outliersOf(stages, trained, answers);
    const validation = await answersOf('val', stages, trained, answers, outliers);
    const qualities = await qualitiesOf(stages, validation.rows);
    const settled = settle({ ...validation, qualities }, data.labels, data.taxonomy, config);
    stages.onEvent({ kind: 'note', text: describeSettled(settled, validation.targets.length, data.taxonomy) });
    const test = await answersOf('test', stages, trained, answers, undefined);
    return {
      validation: report(stages, validation, settled, folder.validation),
      test: test.rows.length === 0 ? undefined : report(stages, test, settled, folder.test),
      settled,
      outliers,
      oodScores: validation.oodScores,
    };
  } finally {
    await answers.close();
  }
}

/** How training images lie: one view of each, or of as many as are enough, evenly over their order. */
async function outliersOf(stages: Stages, { stored }: Trained, answers: Answers): Promise<OutlierModel | undefined> {
  const { config, data } = stages;
  const all = rowsOf(data, 'train');
  const count = Math.min(all.length, OUTLIER_IMAGES);
  if (count < 2) return undefined;
  const rows = Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)]!);
  const features = new Float32Array(count * answers.width);
  await answers.each(
    stored,
    rows.map((row) => ({ row, view: 0 })),
    (i, _, vector) => features.set(vector, i * answers.width),
  );
  const targets = rows.map((row) => data.rows[row]!.target);
  return fitOutliers(features, targets, data.labels.length, config.seed);
}

async function answersOf(
  split: 'val' | 'test',
  { data }: Stages,
  { stored }: Trained,
  answers: Answers,
  outliers: OutlierModel | undefined,
): Promise<SplitAnswers> {
  const rows = rowsOf(data, split);
  const classes = data.labels.length;
  const views = rows.map((row) => stored.places[row]!.length);
  const looks = rows.flatMap((row) => stored.places[row]!.map((_, view) => ({ row, view })));
  const owner = rows.flatMap((_, i) => Array.from({ length: views[i]! }, () => i));
  const logits = new Float32Array(looks.length * classes);
  // The mean over an image's views, as the opened model answers.
  const scores = new Float64Array(rows.length);
  await answers.each(stored, looks, (i, z, vector) => {
    logits.set(z, i * classes);
    if (outliers !== undefined) scores[owner[i]!]! += outlierScores(outliers, vector)[0]! / views[owner[i]!]!;
  });
  return {
    rows,
    logits,
    classes,
    views,
    targets: rows.map((row) => data.rows[row]!.target),
    oodScores: outliers === undefined ? undefined : Float32Array.from(scores),
  };
}

/** Of validation images, evenly over their order. */
async function qualitiesOf({ data, signal }: Stages, rows: readonly number[]): Promise<ImageQuality[]> {
  const count = Math.min(rows.length, QUALITY_IMAGES);
  const paths = Array.from({ length: count }, (_, i) => {
    const row = rows[Math.floor((i * rows.length) / count)]!;
    return data.rows[row]!.example.path;
  });
  const qualities: ImageQuality[] = [];
  for await (const [, image] of prefetch(paths, decodeImage, AHEAD)) {
    signal?.throwIfAborted();
    qualities.push(imageQuality(image));
  }
  return qualities;
}

/** Writes predictions, metrics and calibration of a split. */
function report(stages: Stages, answers: SplitAnswers, settled: Settled, out: string): Evaluation {
  const { config, data } = stages;
  const { labels, taxonomy } = data;
  const { calibration, operatingPoint } = settled;
  // Relative to the data, so that the file says the same wherever the data lie.
  const examples = answers.rows.map((row) => {
    const { example } = data.rows[row]!;
    return { ...example, path: relativePath(data.root, example.path) };
  });
  const evaluation = evaluateAnswers(
    {
      labels,
      taxonomy,
      priors: priorsAt(stages, settled),
      threshold: operatingPoint?.threshold,
      classOf: new Map(labels.map((label) => [label, label])),
    },
    examples,
    probabilitiesAt(answers, calibration?.temperature),
    config.seed,
  );
  writeEvaluation(out, evaluation);
  const calibrated = calibrationReport(answers, labels, taxonomy, calibration);
  writeFileAtomic(join(out, 'calibration.json'), `${JSON.stringify(calibrated, null, 2)}\n`);
  return evaluation;
}

/** The priors of the decision for the calibrated probabilities. */
function priorsAt({ data, config }: Stages, { calibration }: Settled): number[] | undefined {
  const priors = decisionPriors(data, config);
  return priors && temperedPriors(priors, calibration?.temperature ?? 1);
}

/**
 * Writes `model.onnx`, then asks the finished file about validation images and compares.
 *
 * @throws {NumericError} the file does not answer what training computed
 */
export async function exportModel(
  stages: Stages,
  { weights }: Trained,
  { validation, settled, outliers, oodScores: expectedScores }: RunEvaluation,
): Promise<void> {
  const { predictions } = validation;
  const { backbone, original, config, cut, data, folder, onEvent } = stages;
  // The same settings in another folder are the same.
  const { data: _, ...rest } = config;
  const settings = { ...rest, backbone: { ...rest.backbone, name: backbone.name } };
  const card = modelCard(backbone, {
    labels: data.labels,
    taxonomy: data.taxonomy,
    priors: priorsAt(stages, settled),
    ...settled,
    head: config.head,
    cut,
    trainingData: data.hash,
    splits: sha256(data.rows.map((r) => `${r.example.id}\t${r.split}`).join('\n')),
    config: sha256(JSON.stringify(settings)),
    seed: config.seed,
  });
  const tensors = new Map([...weights].map(([name, t]) => [name, float32(t.data, t.dims)]));
  const shipped = shipModel({
    backbone: { ...backbone, model: original },
    head: config.head,
    weights: tensors,
    card,
    outliers,
  });
  writeFileAtomic(folder.model, encodeModel(shipped));
  const classifier = await openClassifier(
    folder.model,
    stages.threads === undefined ? {} : { threads: stages.threads },
  );
  try {
    const rows = rowsOf(data, 'val').slice(0, CHECKED);
    const images = await Promise.all(rows.map((row) => decodeImage(data.rows[row]!.example.path)));
    const { probabilities, oodScores } = await classifier.classify(images, { tta: config.tta });
    let difference = 0;
    probabilities.forEach((p, i) => {
      difference = Math.max(difference, Math.abs(p - predictions.probabilities[i]!));
    });
    // A temperature below 1 magnifies differences of the logits.
    const allowed = AGREEMENT * Math.max(1, 1 / (settled.calibration?.temperature ?? 1));
    if (difference > allowed) {
      throw new NumericError(
        'model/agreement',
        `${folder.model}: expected probabilities within ${allowed.toPrecision(3)} of those of training, got a difference of ${difference.toPrecision(3)}`,
      );
    }
    const limit = settled.ood?.threshold ?? 0;
    oodScores?.forEach((score, i) => {
      const expected = expectedScores?.[i] ?? score;
      if (Math.abs(score - expected) <= OOD_AGREEMENT * Math.max(limit, expected)) return;
      throw new NumericError(
        'model/agreement',
        `${folder.model}: expected an ood_score of ${expected.toPrecision(4)} as in training, got ${score.toPrecision(4)}`,
      );
    });
    onEvent({
      kind: 'note',
      text: `model.onnx answers as training did: largest difference ${difference.toExponential(1)} on ${rows.length} validation images`,
    });
  } finally {
    await classifier.close();
  }
}
