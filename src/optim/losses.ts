import type { GraphBuilder } from '../onnx/builder.ts';
import { float32, int } from '../onnx/model.ts';

/** What is minimised, besides the weights of examples. */
export type LossSpec =
  | { readonly kind: 'cross-entropy' /** ε in [0, 1). Default 0. */; readonly labelSmoothing: number }
  | { readonly kind: 'focal' /** Focusing exponent γ ≥ 0; 0 is cross-entropy. */; readonly gamma: number };

/**
 * Loss of a batch: Σ_i w_i ℓ_i / Σ_i w_i
 *
 * - cross-entropy with smoothing ε: ℓ = −Σ_c q_c log p_c, q = (1 − ε)·onehot + ε / C
 *   (Szegedy et al. 2016, arXiv:1512.00567, section 7)
 * - focal: ℓ = −(1 − p_t)^γ log p_t (Lin et al. 2017, arXiv:1708.02002, eq. 4)
 *
 * @param logits float32 [N, C], unnormalised
 * @param targets int64 [N], class index in [0, C)
 * @param weights float32 [N], ≥ 0: class weight times example weight; a padded row has 0
 * @param classes C
 * @returns float32 scalar, nats
 */
export function addLoss(
  builder: GraphBuilder,
  { logits, targets, weights }: { readonly logits: string; readonly targets: string; readonly weights: string },
  classes: number,
  spec: LossSpec,
): string {
  const logP = builder.add('LogSoftmax', [logits], { axis: int(1) }, { name: 'log_p' });
  const values = builder.constant(float32([0, 1], [2]));
  const oneHot = builder.add(
    'OneHot',
    [targets, builder.ints([classes]), values],
    { axis: int(1) },
    { name: 'one_hot' },
  );
  const losses =
    spec.kind === 'focal'
      ? focal(builder, logP, oneHot, spec.gamma)
      : smoothed(builder, logP, oneHot, classes, spec.labelSmoothing);
  const weighted = builder.add(
    'ReduceSum',
    [builder.add('Mul', [losses, weights])],
    { keepdims: int(0) },
    { name: 'weighted' },
  );
  const total = builder.add('ReduceSum', [weights], { keepdims: int(0) }, { name: 'total_weight' });
  return builder.add('Neg', [builder.add('Div', [weighted, total])], {}, { name: 'loss' });
}

/** Σ_c q_c log p_c per example. */
function smoothed(builder: GraphBuilder, logP: string, oneHot: string, classes: number, epsilon: number): string {
  const q =
    epsilon === 0
      ? oneHot
      : builder.add('Add', [
          builder.add('Mul', [oneHot, builder.scalar(1 - epsilon)]),
          builder.scalar(epsilon / classes),
        ]);
  return overClasses(builder, builder.add('Mul', [q, logP]));
}

/** Where p_t rounds to 1, (1 − p_t)^(γ − 1) would be infinite for γ < 1. */
const LEAST_MISS = 2 ** -24;

/** (1 − p_t)^γ log p_t per example. */
function focal(builder: GraphBuilder, logP: string, oneHot: string, gamma: number): string {
  const logPt = overClasses(builder, builder.add('Mul', [oneHot, logP]));
  if (gamma === 0) return logPt;
  const rest = builder.add('Sub', [builder.scalar(1), builder.add('Exp', [logPt])]);
  const miss = builder.add('Max', [rest, builder.scalar(LEAST_MISS)]);
  return builder.add('Mul', [builder.add('Pow', [miss, builder.scalar(gamma)]), logPt]);
}

function overClasses(builder: GraphBuilder, x: string): string {
  return builder.add('ReduceSum', [x, builder.ints([1])], { keepdims: int(0) });
}
