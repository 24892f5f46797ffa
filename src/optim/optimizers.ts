import type { GraphBuilder } from '../onnx/builder.ts';
import { int } from '../onnx/model.ts';

/** Adam and its kin. */
interface Moments {
  /** Decay of the mean of gradients, and of that of their squares, in [0, 1). */
  readonly beta1: number;
  readonly beta2: number;
  /** Added to the root, above 0. */
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** How weights move. `weightDecay` λ ≥ 0 is the default of all weights. */
export type OptimizerSpec =
  | {
      readonly kind: 'sgd';
      /** μ in [0, 1). */
      readonly momentum: number;
      /** Nesterov's momentum: the gradient is followed from where the momentum leads. Default false */
      readonly nesterov?: boolean | undefined;
      readonly weightDecay: number;
    }
  | (Moments & { /** Decay is part of the gradient, as an L2 penalty. */ readonly kind: 'adam' })
  | (Moments & { /** Decay is apart from the gradient. */ readonly kind: 'adamw' });

export const SGD: OptimizerSpec = { kind: 'sgd', momentum: 0.9, weightDecay: 0 };
export const ADAM: OptimizerSpec = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
export const ADAMW: OptimizerSpec = { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

/** Scalars that a step needs from outside the graph. */
export interface StepScalars {
  /** Learning rate. */
  readonly lr: string;
  /** 1 / (1 − β₁ᵗ) and 1 / (1 − β₂ᵗ) at step t ≥ 1: the bias corrections of Adam and AdamW. SGD ignores them. */
  readonly correction1: string;
  readonly correction2: string;
}

/** Names of the state tensors that an optimizer keeps per weight, each of the weight's shape and zero at first. */
export function stateNames(spec: OptimizerSpec): readonly string[] {
  return spec.kind === 'sgd' ? ['momentum'] : ['m', 'v'];
}

/** Whether an optimizer corrects its states for having started at zero, and so must know how many steps ago that was. */
export function hasCorrections({ kind }: OptimizerSpec): boolean {
  return kind !== 'sgd';
}

/** The bias corrections at step t ≥ 1. */
export function corrections(spec: OptimizerSpec, t: number): readonly [number, number] {
  return spec.kind === 'sgd' ? [1, 1] : [1 / (1 - spec.beta1 ** t), 1 / (1 - spec.beta2 ** t)];
}

/**
 * One weight's update as nodes of the graph.
 *
 * - SGD: v′ = μ v + g;  w′ = w − η v′ (Sutskever et al. 2013, as PyTorch has it); with Nesterov w′ = w − η (g + μ v′)
 * - Adam: m′ = β₁ m + (1 − β₁) g;  v′ = β₂ v + (1 − β₂) g²;  w′ = w − η (m′ c₁) / (√(v′ c₂) + ε)
 *   (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1)
 * - AdamW: the same, less η λ w (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2)
 *
 * In SGD and Adam g has λ w added to it.
 *
 * @param w the weight; @param g its gradient; @param states as `stateNames`
 * @param decay λ ≥ 0 of this weight
 * @returns names of the new weight and the new states
 */
export function addUpdate(
  builder: GraphBuilder,
  spec: OptimizerSpec,
  {
    w,
    g,
    states,
    decay,
  }: { readonly w: string; readonly g: string; readonly states: readonly string[]; readonly decay: number },
  { lr, correction1, correction2 }: StepScalars,
): { readonly weight: string; readonly states: readonly string[] } {
  const mul = (a: string, b: string | number): string =>
    builder.add('Mul', [a, typeof b === 'number' ? builder.scalar(b) : b], {}, { name: 'step' });
  const add = (a: string, b: string): string => builder.add('Add', [a, b], {}, { name: 'step' });
  const sub = (a: string, b: string): string => builder.add('Sub', [a, b], {}, { name: 'step' });
  const pull = decay === 0 || spec.kind === 'adamw' ? g : add(g, mul(w, decay));
  if (spec.kind === 'sgd') {
    const velocity = add(mul(states[0]!, spec.momentum), pull);
    const direction = spec.nesterov === true ? add(pull, mul(velocity, spec.momentum)) : velocity;
    return { weight: sub(w, mul(direction, lr)), states: [velocity] };
  }
  const m = add(mul(states[0]!, spec.beta1), mul(pull, 1 - spec.beta1));
  const v = add(mul(states[1]!, spec.beta2), mul(mul(pull, pull), 1 - spec.beta2));
  const root = add(builder.add('Sqrt', [mul(v, correction2)], {}, { name: 'step' }), builder.scalar(spec.epsilon));
  const stepSize = mul(lr, correction1);
  const move = mul(builder.add('Div', [m, root], {}, { name: 'step' }), stepSize);
  const kept = decay === 0 || spec.kind === 'adam' ? w : sub(w, mul(w, mul(lr, decay)));
  return { weight: sub(kept, move), states: [m, v] };
}

/**
 * The decay of an exponential moving average after step t ≥ 1: min(decay, (1 + t) / (10 + t)), so that an average over
 * many steps does not remember the beginning when there were few (as TensorFlow's ExponentialMovingAverage).
 */
export function averageDecay(decay: number, t: number): number {
  return Math.min(decay, (1 + t) / (10 + t));
}

/** a′ = d a + (1 − d) w′ (Polyak and Juditsky 1992, in its exponential form) as a′ = w′ + d (a − w′). */
export function addAverage(
  builder: GraphBuilder,
  { average, weight, decay }: { readonly average: string; readonly weight: string; readonly decay: string },
): string {
  const behind = builder.add('Sub', [average, weight], {}, { name: 'average' });
  const kept = builder.add('Mul', [behind, decay], {}, { name: 'average' });
  return builder.add('Add', [weight, kept], {}, { name: 'average' });
}

/** min(1, limit / ‖g‖), one factor for all gradients (Pascanu et al. 2013, arXiv:1211.5063). */
export function addClip(builder: GraphBuilder, gradients: readonly string[], limit: number): string {
  const squares = gradients.map((g) => builder.add('ReduceSumSquare', [g], { keepdims: int(0) }, { name: 'square' }));
  const norm = builder.add(
    'Sqrt',
    [squares.length === 1 ? squares[0]! : builder.add('Sum', squares)],
    {},
    { name: 'norm' },
  );
  const share = builder.add('Div', [builder.scalar(limit), builder.add('Max', [norm, builder.scalar(1e-12)])]);
  return builder.add('Min', [share, builder.scalar(1)], {}, { name: 'clip' });
}
