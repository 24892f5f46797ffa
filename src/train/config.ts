import { z } from 'zod';
import { NORMALISATIONS } from '../backbone/normalisation.ts';
import { UsageError } from '../core/errors.ts';
import { LINEAR } from '../model/head.ts';
import { DEVICE_CHOICES } from '../onnx/device.ts';
import { ADAMW, type OptimizerSpec, SGD } from '../optim/optimizers.ts';

const count = (low: number, high: number) => z.number().int().min(low).max(high);
const share = z.number().min(0).max(1);

const weightDecay = z.number().min(0);
const moments = {
  beta1: z.number().min(0).lt(1),
  beta2: z.number().min(0).lt(1),
  epsilon: z.number().positive(),
  weightDecay,
};
const optimizer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sgd'),
    momentum: z.number().min(0).lt(1),
    nesterov: z.boolean().optional(),
    weightDecay,
  }),
  z.strictObject({ kind: z.literal('adam'), ...moments }),
  z.strictObject({ kind: z.literal('adamw'), ...moments }),
]) satisfies z.ZodType<OptimizerSpec>;

/** How fine-tuning thaws and changes its rate. */
export const SCHEDULES = ['progressive', 'one-cycle', 'cosine', 'step', 'plateau', 'constant', 'none'] as const;

/** Settings that both phases have. */
const phase = {
  epochs: count(0, 10_000),
  batch: count(1, 4096),
  optimizer,
  /** Peak learning rate. */
  rate: z.number().positive().max(10),
  /** Upper bound of the gradient's norm; 0 for none. */
  clipNorm: z.number().min(0),
  /** ReduceLROnPlateau: the rate is multiplied by `factor` after `patience` epochs without a lower validation loss. */
  reduce: z.strictObject({ factor: z.number().gt(0).max(1), patience: count(1, 1000) }),
  /** EarlyStopping: epochs without a better validation score. */
  stopAfter: count(1, 1000),
};

/** Everything that decides what a training run does. `config.yaml` in a run folder holds one, complete. */
export const configSchema = z.strictObject({
  version: z.literal(1),
  data: z.string().min(1),
  /** Column names of a CSV, where they are not the usual ones. */
  columns: z.strictObject({
    label: z.string().optional(),
    group: z.string().optional(),
    image: z.string().optional(),
    idColumn: z.string().optional(),
    patient: z.string().optional(),
    source: z.string().optional(),
    split: z.string().optional(),
    /** Where an image lies, relative to the table: `photos/{patient}/{visit}.jpg`. */
    path: z.string().optional(),
    /** Names of attributes and the columns that hold them: `{ age: Age at visit }`. */
    attributes: z.record(z.string(), z.string()).optional(),
  }),
  allowBad: z.boolean(),
  seed: z.number().int(),
  split: z.strictObject({
    train: share,
    val: share,
    test: share,
    groupBy: z.enum(['auto', 'lesion', 'patient', 'none']),
    validationSource: z.string().optional(),
  }),
  taxonomy: z
    .strictObject({ positive: z.string(), negative: z.string(), positiveLabels: z.array(z.string()).min(1) })
    .optional(),
  backbone: z.strictObject({
    /** A name of the registry, or the path of an ONNX file. */
    name: z.string().min(1),
    features: z.string().optional(),
    normalisation: z.enum(NORMALISATIONS).optional(),
    size: count(8, 4096).optional(),
  }),
  /** Where the trunk ends: a cut point, `features` (only the head trains), `input` (everything may train), or `auto`. */
  cut: z.string().min(1),
  head: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('linear') }),
    z.strictObject({
      kind: z.literal('mlp'),
      units: count(1, 65536),
      dropout: z.number().min(0).lt(1),
      slope: z.number().min(0),
    }),
  ]),
  /** Augmented copies of every training image, the original included. */
  views: count(1, 1000),
  augment: z.strictObject({
    seed: z.number().int(),
    strength: z.number().min(0),
  }),
  loss: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('cross-entropy'), labelSmoothing: z.number().min(0).lt(1) }),
    z.strictObject({ kind: z.literal('focal'), gamma: z.number().min(0) }),
  ]),
  /** Weight of a class: n / (C · n_c), its square root, or 1. Scaled to a mean of 1 over the training images. */
  classWeights: z.enum(['balanced', 'sqrt', 'none']),
  /**
   * Which class is named: `balanced` is the one most probable relative to how often training met it, which makes balanced
   * accuracy high; `probable` is simply the most probable one, which makes accuracy high. Probabilities are the same.
   */
  decision: z.enum(['balanced', 'probable']),
  /** `temperature`: one number, fitted to the validation images, divides the logits. `none`: probabilities as trained. */
  calibration: z.enum(['temperature', 'none']).default('temperature'),
  /**
   * How the threshold of the taxonomy's question is chosen on the validation images: the highest one whose sensitivity is
   * at least `target`; the largest sensitivity + specificity; or the least cost, where missing one positive costs as much
   * as `falseNegative` false alarms.
   */
  operatingPoint: z
    .discriminatedUnion('rule', [
      z.strictObject({ rule: z.literal('sensitivity'), target: z.number().gt(0).max(1) }),
      z.strictObject({ rule: z.literal('youden') }),
      z.strictObject({ rule: z.literal('cost'), falseNegative: z.number().positive().max(1e6) }),
    ])
    .default({ rule: 'sensitivity', target: 0.95 }),
  /**
   * Share of the validation images that count as like the training images; the model refuses what is less alike than they.
   * Null: nothing is refused for that.
   */
  oodQuantile: z.number().min(0.5).lt(1).nullable().default(0.99),
  /**
   * Which epoch is kept: that of the lowest validation loss, of the highest validation AUC, or the last one. With `last`
   * there is no early stopping either.
   */
  best: z.enum(['loss', 'auc', 'last']),
  headPhase: z.strictObject({
    ...phase,
    /** Views of each training image that the head sees when fine-tuning follows; all of them when not. */
    views: count(1, 1000),
  }),
  fineTune: z.strictObject({
    ...phase,
    /**
     * `progressive`: from the top, one more unit at each plateau. `none`: the head only. With the others all of the tail
     * trains from the first step, and the rate rises and falls once over all epochs (`one-cycle`), falls along a cosine
     * after a rise (`cosine`), by `reduce.factor` every `reduce.patience` epochs (`step`) or at each plateau (`plateau`),
     * or not at all (`constant`).
     */
    schedule: z.enum(SCHEDULES),
    /** Share of the steps over which the rate of `cosine` rises. */
    warmUp: z.number().min(0).lt(1).default(0),
    /** Batches whose gradients are averaged into one update. */
    accumulate: count(1, 1024).default(1),
    /** Decay of a moving average of the weights, which is then what is validated and shipped; 0 for none. */
    ema: z.number().min(0).lt(1).default(0),
    /** With `cut: auto`, how many candidate cuts before the chosen one training may thaw. */
    blocks: count(0, 100),
    /** What thaws together. */
    unfreeze: z.enum(['layer', 'block']),
    /** Rate of the head relative to the tail. */
    headRate: z.number().positive(),
    /** Whether the kernels of the tail train as if their inputs had mean zero. */
    centre: z.boolean(),
  }),
  /** Average the eight flips and quarter turns when evaluating. */
  tta: z.boolean(),
  /** Threads of the arithmetic; null for all cores. The last bits of a result depend on it. */
  threads: count(1, 1024).nullable(),
  /** What does the arithmetic. The last bits of a result depend on it; `auto` depends on the machine. */
  device: z.enum(DEVICE_CHOICES).default('cpu'),
  /** Most gigabytes of features to add to the cache; null for what the disk holds. */
  cacheLimit: z.number().positive().nullable(),
});

export type Config = z.infer<typeof configSchema>;

export type PresetName = 'quick' | 'standard';

const STANDARD: Omit<Config, 'data'> = {
  version: 1,
  columns: {},
  allowBad: false,
  seed: 0,
  split: { train: 0.7, val: 0.15, test: 0.15, groupBy: 'auto' },
  backbone: { name: 'inception_v3' },
  cut: 'auto',
  head: LINEAR,
  views: 3,
  augment: { seed: 0, strength: 1 },
  loss: { kind: 'cross-entropy', labelSmoothing: 0.05 },
  classWeights: 'sqrt',
  decision: 'balanced',
  calibration: 'temperature',
  operatingPoint: { rule: 'sensitivity', target: 0.95 },
  oodQuantile: 0.99,
  best: 'auc',
  headPhase: {
    epochs: 25,
    batch: 32,
    optimizer: ADAMW,
    rate: 1e-3,
    clipNorm: 0,
    reduce: { factor: 0.6, patience: 2 },
    stopAfter: 12,
    views: 2,
  },
  fineTune: {
    schedule: 'one-cycle',
    warmUp: 0.1,
    accumulate: 1,
    ema: 0,
    blocks: 2,
    unfreeze: 'layer',
    epochs: 6,
    batch: 32,
    optimizer: ADAMW,
    rate: 3e-4,
    clipNorm: 1,
    reduce: { factor: 0.6, patience: 2 },
    stopAfter: 12,
    headRate: 1,
    centre: true,
  },
  tta: false,
  threads: null,
  device: 'cpu',
  cacheLimit: null,
};

/** Few views and few epochs: an answer in minutes. Phase 2 thaws block by block. */
const QUICK: Omit<Config, 'data'> = {
  ...STANDARD,
  backbone: { name: 'mobilenet_v2' },
  views: 2,
  // With few validation images an AUC is a coarse ruler; the loss is finer.
  best: 'loss',
  headPhase: { ...STANDARD.headPhase, epochs: 30, rate: 3e-3, stopAfter: 6 },
  fineTune: {
    ...STANDARD.fineTune,
    schedule: 'progressive',
    unfreeze: 'block',
    epochs: 6,
    batch: 16,
    optimizer: SGD,
    rate: 1e-4,
  },
};

/** A preset's complete settings for a data set. */
export function presetConfig(preset: PresetName, data: string): Config {
  return { ...(preset === 'quick' ? QUICK : STANDARD), data };
}

type Partially<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Partially<T[K]> | undefined }
    : T;
/** Some of a configuration, to lay over a preset. */
export type PartialConfig = Partially<Config>;

/** Lays settings over a configuration, key by key; undefined leaves what is there. */
export function overlay(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (!isRecord(base) || !isRecord(over) || ['kind', 'rule'].some((k) => k in over && over[k] !== base[k])) return over;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = overlay(base[key], value);
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Checks a configuration from anywhere.
 *
 * @param where names the source in messages, such as the file
 * @throws {UsageError} naming each wrong setting
 */
export function parseConfig(value: unknown, where: string): Config {
  const result = configSchema.safeParse(value);
  if (!result.success) {
    const issues = result.error.issues.map((i) => `  ${i.path.join('.') || '(top)'}: ${i.message}`);
    throw new UsageError('config/invalid', `${where}: settings that do not fit:\n${issues.join('\n')}`);
  }
  const { split } = result.data;
  if (Math.abs(split.train + split.val + split.test - 1) > 1e-6) {
    throw new UsageError(
      'config/split',
      `${where}: split: expected shares that add up to 1, got ${split.train} + ${split.val} + ${split.test}`,
    );
  }
  return result.data;
}
