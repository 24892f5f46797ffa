import { NumericError } from '../core/errors.ts';
import { writeFileAtomic } from '../core/files.ts';
import { sha256 } from '../core/hash.ts';
import { relativePath } from '../dataset/files.ts';
import { decodeImage } from '../image/decode.ts';
import { modelCard } from '../model/card.ts';
import { openClassifier } from '../model/classifier.ts';
import { type Evaluation, evaluateAnswers, writeEvaluation } from '../model/evaluate.ts';
import { shipModel } from '../model/ship.ts';
import { float32 } from '../onnx/model.ts';
import { encodeModel } from '../onnx/protobuf.ts';
import { buildNetwork } from './network.ts';
import { decisionPriors, rowsOf } from './prepare.ts';
import { openScorer } from './scorer.ts';
import type { Stages, Trained } from './stages.ts';

/** Most that a probability of the shipped file may differ from what training computed for the same image. */
const AGREEMENT = 1e-3;
/** Validation images on which the shipped file is checked. */
const CHECKED = 24;
const SCORE_BATCH = 16;

export interface RunEvaluation {
  readonly validation: Evaluation;
  /** Undefined where the split has no test images. */
  readonly test: Evaluation | undefined;
}

/** Predictions and metrics of the best weights on validation and test images, from their remembered features. */
export async function evaluateRun(stages: Stages, trained: Trained): Promise<RunEvaluation> {
  const { config, data, folder, threads, target } = stages;
  const weights = new Map([...trained.weights].map(([name, t]) => [name, float32(t.data, t.dims)]));
  const network = buildNetwork(trained.phase.tail, config.head, data.labels.length, weights, 'infer');
  const scorer = await openScorer(network, [], data.labels.length, SCORE_BATCH, target, threads);
  const evaluate = async (split: 'val' | 'test', out: string): Promise<Evaluation | undefined> => {
    const rows = rowsOf(data, split);
    if (rows.length === 0) return undefined;
    const probabilities = await scorer.score(new Map(), trained.stored, rows);
    const classOf = new Map(data.labels.map((label) => [label, label]));
    // Relative to the data, so that the file says the same wherever the data lie.
    const examples = rows.map((row) => {
      const { example } = data.rows[row]!;
      return { ...example, path: relativePath(data.root, example.path) };
    });
    const evaluation = evaluateAnswers(
      { labels: data.labels, taxonomy: data.taxonomy, priors: decisionPriors(data, config), classOf },
      examples,
      probabilities,
      config.seed,
    );
    writeEvaluation(out, evaluation);
    return evaluation;
  };
  try {
    const validation = await evaluate('val', folder.validation);
    const test = await evaluate('test', folder.test);
    // A split without validation images is refused before training starts.
    if (validation === undefined) throw new NumericError('train/validation', 'expected validation images, got none');
    return { validation, test };
  } finally {
    await scorer.close();
  }
}

/**
 * Writes `model.onnx`, then asks the finished file about validation images and compares.
 *
 * @throws {NumericError} the file does not answer what training computed
 */
export async function exportModel(stages: Stages, { weights }: Trained, { predictions }: Evaluation): Promise<void> {
  const { backbone, original, config, cut, data, folder, onEvent } = stages;
  // The same settings in another folder are the same.
  const { data: _, ...rest } = config;
  const settings = { ...rest, backbone: { ...rest.backbone, name: backbone.name } };
  const card = modelCard(backbone, {
    labels: data.labels,
    taxonomy: data.taxonomy,
    priors: decisionPriors(data, config),
    head: config.head,
    cut,
    trainingData: data.hash,
    splits: sha256(data.rows.map((r) => `${r.example.id}\t${r.split}`).join('\n')),
    config: sha256(JSON.stringify(settings)),
    seed: config.seed,
  });
  const tensors = new Map([...weights].map(([name, t]) => [name, float32(t.data, t.dims)]));
  const shipped = shipModel({ backbone: { ...backbone, model: original }, head: config.head, weights: tensors, card });
  writeFileAtomic(folder.model, encodeModel(shipped));
  const classifier = await openClassifier(
    folder.model,
    stages.threads === undefined ? {} : { threads: stages.threads },
  );
  try {
    const rows = rowsOf(data, 'val').slice(0, CHECKED);
    const images = await Promise.all(rows.map((row) => decodeImage(data.rows[row]!.example.path)));
    const { probabilities } = await classifier.classify(images, { tta: config.tta });
    let difference = 0;
    probabilities.forEach((p, i) => {
      difference = Math.max(difference, Math.abs(p - predictions.probabilities[i]!));
    });
    if (difference > AGREEMENT) {
      throw new NumericError(
        'model/agreement',
        `${folder.model}: expected probabilities within ${AGREEMENT} of those of training, got a difference of ${difference.toPrecision(3)}`,
      );
    }
    onEvent({
      kind: 'note',
      text: `model.onnx answers as training did: largest difference ${difference.toExponential(1)} on ${rows.length} validation images`,
    });
  } finally {
    await classifier.close();
  }
}
