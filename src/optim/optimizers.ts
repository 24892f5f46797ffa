import type { GraphBuilder } from '../onnx/builder.ts';

/** How weights move. */
export type OptimizerSpec =
  | { readonly kind: 'sgd' /** μ in [0, 1). */; readonly momentum: number; readonly weightDecay: number }
  | {
      readonly kind: 'adamw';
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly weightDecay: number;
    };

export const SGD: OptimizerSpec = { kind: 'sgd', momentum: 0.9, weightDecay: 0 };
export const ADAMW: OptimizerSpec = { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 };

/** Scalars that a step needs from outside the graph. */
export interface StepScalars {
  /** Learning rate. */
  readonly lr: string;
  /** 1 / (1 − β₁ᵗ) and 1 / (1 − β₂ᵗ) at step t ≥ 1: the bias corrections of AdamW. SGD ignores them. */
  readonly correction1: string;
  readonly correction2: string;
}

/** Names of the state tensors that an optimizer keeps per weight, each of the weight's shape and zero at first. */
export function stateNames(spec: OptimizerSpec): readonly string[] {
  return spec.kind === 'sgd' ? ['momentum'] : ['m', 'v'];
}

/** The bias corrections at step t ≥ 1. */
export function corrections(spec: OptimizerSpec, t: number): readonly [number, number] {
  return spec.kind === 'sgd' ? [1, 1] : [1 / (1 - spec.beta1 ** t), 1 / (1 - spec.beta2 ** t)];
}

/**
 * One weight's update as nodes of the graph.
 *
 * - SGD: v′ = μ v + g + λ w;  w′ = w − η v′ (Sutskever et al. 2013, as PyTorch has it)
 * - AdamW: m′ = β₁ m + (1 − β₁) g;  v′ = β₂ v + (1 − β₂) g²;
 *   w′ = w − η λ w − η (m′ c₁) / (√(v′ c₂) + ε) (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2)
 *
 * @param w the weight; @param g its gradient; @param states as `stateNames`
 * @param decay whether weight decay λ applies: not to biases and normalisation
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
  }: { readonly w: string; readonly g: string; readonly states: readonly string[]; readonly decay: boolean },
  { lr, correction1, correction2 }: StepScalars,
): { readonly weight: string; readonly states: readonly string[] } {
  const mul = (a: string, b: string | number): string =>
    builder.add('Mul', [a, typeof b === 'number' ? builder.scalar(b) : b], {}, { name: 'step' });
  const add = (a: string, b: string): string => builder.add('Add', [a, b], {}, { name: 'step' });
  const lambda = decay ? spec.weightDecay : 0;
  if (spec.kind === 'sgd') {
    const pull = lambda === 0 ? g : add(g, mul(w, lambda));
    const velocity = add(mul(states[0]!, spec.momentum), pull);
    return { weight: builder.add('Sub', [w, mul(velocity, lr)], {}, { name: 'step' }), states: [velocity] };
  }
  const m = add(mul(states[0]!, spec.beta1), mul(g, 1 - spec.beta1));
  const v = add(mul(states[1]!, spec.beta2), mul(mul(g, g), 1 - spec.beta2));
  const root = add(builder.add('Sqrt', [mul(v, correction2)], {}, { name: 'step' }), builder.scalar(spec.epsilon));
  const stepSize = mul(lr, correction1);
  const move = mul(builder.add('Div', [m, root], {}, { name: 'step' }), stepSize);
  const kept = lambda === 0 ? w : builder.add('Sub', [w, mul(w, mul(lr, lambda))], {}, { name: 'step' });
  return { weight: builder.add('Sub', [kept, move], {}, { name: 'step' }), states: [m, v] };
}
