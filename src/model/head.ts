import type { Rng } from '../core/rng.ts';
import type { GraphBuilder } from '../onnx/builder.ts';
import { float, float32, int, type Tensor } from '../onnx/model.ts';

/** The new layers on top of a backbone. */
export type HeadSpec =
  | { readonly kind: 'linear' }
  | {
      readonly kind: 'mlp';
      /** Width of the hidden layer. Default 1024. */
      readonly units: number;
      /** Share of hidden values dropped in training, in [0, 1). Default 0.25. */
      readonly dropout: number;
      /** Slope of LeakyReLU below 0. Default 0.3. */
      readonly slope: number;
    };

export const MLP: HeadSpec = { kind: 'mlp', units: 1024, dropout: 0.25, slope: 0.3 };
export const LINEAR: HeadSpec = { kind: 'linear' };

/** Added to the batch variance (Ioffe and Szegedy 2015, arXiv:1502.03167); Keras' default. */
const EPSILON = 1e-3;
/** Share of the old running statistics kept at each step. */
const RUNNING_MOMENTUM = 0.9;

const W1 = 'head/dense_1/kernel';
const B1 = 'head/dense_1/bias';
const GAMMA = 'head/batch_norm/gamma';
const BETA = 'head/batch_norm/beta';
const MEAN = 'head/batch_norm/moving_mean';
const VARIANCE = 'head/batch_norm/moving_variance';
const W2 = 'head/logits/kernel';
const B2 = 'head/logits/bias';

/** Running statistics of the head: carried from step to step, never trained. */
export const HEAD_STATISTICS: readonly string[] = [MEAN, VARIANCE];

/** Name of the training graph's dropout input, float32 [N, units]: 0 or 1 / (1 − dropout). */
export const DROPOUT_MASK = 'dropout_mask';

/** Weights of a head before training: Glorot-uniform kernels (Glorot and Bengio 2010), zero biases. */
export function initHead(spec: HeadSpec, features: number, classes: number, rng: Rng): Map<string, Tensor> {
  const glorot = (rows: number, columns: number): Tensor => {
    const limit = Math.sqrt(6 / (rows + columns));
    return float32(
      Float32Array.from({ length: rows * columns }, () => rng.uniform(-limit, limit)),
      [rows, columns],
    );
  };
  const filled = (n: number, value: number): Tensor => float32(new Float32Array(n).fill(value), [n]);
  if (spec.kind === 'linear')
    return new Map([
      [W2, glorot(features, classes)],
      [B2, filled(classes, 0)],
    ]);
  return new Map([
    [W1, glorot(features, spec.units)],
    [B1, filled(spec.units, 0)],
    [GAMMA, filled(spec.units, 1)],
    [BETA, filled(spec.units, 0)],
    [MEAN, filled(spec.units, 0)],
    [VARIANCE, filled(spec.units, 1)],
    [W2, glorot(spec.units, classes)],
    [B2, filled(classes, 0)],
  ]);
}

/** Head weights that training moves: all but the running statistics. */
export function headParameters(spec: HeadSpec): readonly string[] {
  return spec.kind === 'linear' ? [W2, B2] : [W1, B1, GAMMA, BETA, W2, B2];
}

/** A finished head: its logits, and the running statistics after this step where it was built for training. */
export interface BuiltHead {
  /** float32 [N, C] */
  readonly logits: string;
  /** New value by name of the statistic. */
  readonly statistics: ReadonlyMap<string, string>;
}

/**
 * Adds a head: linear is Dense; mlp is Dense → BatchNorm → LeakyReLU → Dropout → Dense.
 *
 * @param pooled float32 [N, F]
 * @param mode `train`: statistics of the batch, dropout from the mask input. `fine-tune`: running statistics, dropout.
 * `infer`: running statistics, no dropout
 */
export function addHead(
  builder: GraphBuilder,
  spec: HeadSpec,
  pooled: string,
  mode: 'train' | 'fine-tune' | 'infer',
): BuiltHead {
  const dense = (x: string, w: string, b: string): string => builder.add('Gemm', [x, w, b], {}, { name: 'dense' });
  if (spec.kind === 'linear') return { logits: dense(pooled, W2, B2), statistics: new Map() };
  const hidden = dense(pooled, W1, B1);
  const { normalised, statistics } =
    mode === 'train'
      ? batchStatistics(builder, hidden)
      : {
          normalised: builder.add('BatchNormalization', [hidden, GAMMA, BETA, MEAN, VARIANCE], {
            epsilon: float(EPSILON),
          }),
          statistics: new Map<string, string>(),
        };
  const active = builder.add('LeakyRelu', [normalised], { alpha: float(spec.slope) });
  const kept =
    mode === 'infer' || spec.dropout === 0
      ? active
      : builder.add('Mul', [active, DROPOUT_MASK], {}, { name: 'dropout' });
  return { logits: dense(kept, W2, B2), statistics };
}

/** γ (x − μ) / √(σ² + ε) + β with the batch's own μ and σ², through which the gradient flows too. */
function batchStatistics(builder: GraphBuilder, x: string) {
  const mean = (v: string, keep: 0 | 1): string =>
    builder.add('ReduceMean', [v, builder.ints([0])], { keepdims: int(keep) });
  const mu = mean(x, 1);
  const centred = builder.add('Sub', [x, mu]);
  const variance = mean(builder.add('Mul', [centred, centred]), 1);
  const deviation = builder.add('Sqrt', [builder.add('Add', [variance, builder.scalar(EPSILON)])]);
  const scaled = builder.add('Mul', [builder.add('Div', [centred, deviation]), GAMMA]);
  const running = (old: string, now: string): string =>
    builder.add('Add', [
      builder.add('Mul', [old, builder.scalar(RUNNING_MOMENTUM)]),
      builder.add('Mul', [builder.add('Squeeze', [now, builder.ints([0])]), builder.scalar(1 - RUNNING_MOMENTUM)]),
    ]);
  return {
    normalised: builder.add('Add', [scaled, BETA]),
    statistics: new Map([
      [MEAN, running(MEAN, mu)],
      [VARIANCE, running(VARIANCE, variance)],
    ]),
  };
}

/** Inverted dropout: 1 / (1 − p) with probability 1 − p, else 0. */
export function dropoutMask(rows: number, spec: HeadSpec, rng: Rng): Float32Array | undefined {
  if (spec.kind === 'linear' || spec.dropout === 0) return undefined;
  const kept = 1 / (1 - spec.dropout);
  return Float32Array.from({ length: rows * spec.units }, () => (rng.next() < spec.dropout ? 0 : kept));
}
