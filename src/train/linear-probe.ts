import type { Target } from '../autodiff/lower/lower.ts';
import { hashUnit } from '../core/hash.ts';
import { rngOf, shuffled } from '../core/rng.ts';
import type { Taxonomy } from '../dataset/types.ts';
import { argmaxRows } from '../evaluate/argmax.ts';
import { balancedAccuracyOf, confusionMatrix } from '../evaluate/confusion.ts';
import { isDefined, type Metric } from '../evaluate/metric.ts';
import { questionAuc, questionAucError } from '../evaluate/question-auc.ts';
import { headParameters, initHead, LINEAR } from '../model/head.ts';
import { float32, type Tensor } from '../onnx/model.ts';
import { ADAMW } from '../optim/optimizers.ts';
import { oneCycle } from '../optim/schedules.ts';
import { buildNetwork, type Tail } from './network.ts';
import { openStepper, type Stepper } from './step.ts';

const FOLDS = 3;
const EPOCHS = 24;
const BATCH = 64;
const RATE = 3e-3;
const INPUT = 'probe_input';

export interface ProbeData {
  readonly labels: readonly string[];
  readonly taxonomy: Taxonomy | undefined;
  readonly targets: readonly number[];
  /** Lesion or patient of each row: a group is in one fold. */
  readonly groups: readonly string[];
  readonly classWeights: readonly number[];
}

export interface ProbeScore {
  /** Of the taxonomy's question where there is one, else the mean one-vs-rest AUC. */
  readonly auc: Metric;
  /** Standard error of the AUC. */
  readonly error: number;
  readonly balancedAccuracy: Metric;
}

/**
 * Cross-validated linear probe: a linear softmax on standardised features, three folds by lesion or patient, predictions
 * of all folds scored together (Alain and Bengio 2016, arXiv:1610.01644).
 *
 * @param features float32 [n × width]
 */
export async function linearProbe(
  features: Float32Array,
  data: ProbeData,
  seed: number,
  target: Target,
  threads: number | undefined,
): Promise<ProbeScore> {
  const n = data.targets.length;
  const classes = data.labels.length;
  const width = features.length / n;
  const fold = data.groups.map((group) => Math.floor(hashUnit(`${seed}\u0000probe\u0000${group}`) * FOLDS));
  const probabilities = new Float32Array(n * classes);
  const tail: Tail = {
    graph: undefined,
    cut: INPUT,
    features: INPUT,
    cutDims: [width],
    featureDims: [width],
    stored: 'float32',
  };
  for (let f = 0; f < FOLDS; f++) {
    const train = range(n).filter((i) => fold[i] !== f);
    const held = range(n).filter((i) => fold[i] === f);
    if (train.length === 0 || held.length === 0) continue;
    const scaled = standardised(features, width, train);
    const weights = initHead(LINEAR, width, classes, rngOf(seed, 'probe', f));
    const batch = Math.min(BATCH, train.length);
    const stepper = await openStepper(
      {
        network: buildNetwork(tail, LINEAR, classes, weights, 'train'),
        trainable: headParameters(LINEAR),
        batch,
        loss: { kind: 'cross-entropy', labelSmoothing: 0 },
        optimizer: { ...ADAMW, weightDecay: 0.1 },
        clipNorm: 0,
        rates: new Map(),
        centred: [],
      },
      target,
      threads === undefined ? {} : { threads },
    );
    try {
      await fit(stepper, scaled, width, train, data, batch, rngOf(seed, 'probe order', f));
      const { weights: fitted } = await stepper.read();
      for (const i of held)
        probabilities.set(softmaxRow(fitted, scaled.subarray(i * width, (i + 1) * width), classes), i * classes);
    } finally {
      await stepper.close();
    }
  }
  return score(probabilities, data);
}

async function fit(
  stepper: Stepper,
  scaled: Float32Array,
  width: number,
  train: readonly number[],
  data: ProbeData,
  batch: number,
  rng: ReturnType<typeof rngOf>,
): Promise<void> {
  const perEpoch = Math.max(1, Math.floor(train.length / batch));
  const rows = new Float32Array(batch * width);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const order = shuffled(train, rng);
    for (let step = 0; step < perEpoch; step++) {
      const part = order.slice(step * batch, (step + 1) * batch);
      part.forEach((i, k) => {
        rows.set(scaled.subarray(i * width, (i + 1) * width), k * width);
      });
      const targets = part.map((i) => data.targets[i]!);
      await stepper.step(
        {
          features: float32(rows, [batch, width]),
          targets,
          weights: Float32Array.from(targets, (t) => data.classWeights[t]!),
          extra: {},
        },
        RATE * oneCycle(epoch * perEpoch + step, EPOCHS * perEpoch),
      );
    }
  }
}

/** (x − mean) / deviation per column, both over the training rows. */
function standardised(features: Float32Array, width: number, train: readonly number[]): Float32Array {
  const mean = new Float64Array(width);
  const square = new Float64Array(width);
  for (const i of train) {
    for (let c = 0; c < width; c++) {
      const x = features[i * width + c]!;
      mean[c]! += x / train.length;
      square[c]! += (x * x) / train.length;
    }
  }
  return features.map((x, at) => {
    const c = at % width;
    return (x - mean[c]!) / Math.sqrt(Math.max(square[c]! - mean[c]! ** 2, 1e-6));
  });
}

/** Softmax of x W + b. */
function softmaxRow(weights: ReadonlyMap<string, Tensor>, x: Float32Array, classes: number): Float32Array {
  const [kernel, bias] = headParameters(LINEAR).map((name) => weights.get(name)!.data);
  const logits = Array.from({ length: classes }, (_, c) => {
    let sum = Number(bias![c]);
    for (let i = 0; i < x.length; i++) sum += x[i]! * Number(kernel![i * classes + c]);
    return sum;
  });
  const top = Math.max(...logits);
  const exps = logits.map((z) => Math.exp(z - top));
  const total = exps.reduce((a, b) => a + b, 0);
  return Float32Array.from(exps, (e) => e / total);
}

function score(probabilities: Float32Array, { labels, taxonomy, targets }: ProbeData): ProbeScore {
  const classes = labels.length;
  return {
    auc: questionAuc(labels, taxonomy, probabilities, targets),
    error: questionAucError(labels, taxonomy, probabilities, targets),
    balancedAccuracy: balancedAccuracyOf(confusionMatrix(targets, argmaxRows(probabilities, classes), classes)),
  };
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/**
 * The last score that is within one standard error of the best. Between scores that a probe cannot tell apart, the one
 * nearest the output is the network's own and leaves most of it to fine-tune (the one-standard-error rule of Breiman et
 * al. 1984, with depth in the place of simplicity).
 */
export function chooseScore(scores: readonly ProbeScore[]): number {
  const values = scores.map(
    ({ auc, balancedAccuracy }) => [auc, balancedAccuracy].find(isDefined) ?? Number.NEGATIVE_INFINITY,
  );
  const best = values.indexOf(Math.max(...values));
  const enough = values[best]! - (scores[best]?.error ?? 0);
  return values.findLastIndex((value) => value >= enough);
}
