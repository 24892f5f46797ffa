import type { Rule } from '../rule.ts';

/** Y = X t, t = tanh(softplus X): dX = dY · (t + X (1 − t²) σ(X)) */
export const Mish: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  const t = builder.add('Tanh', [builder.add('Softplus', [x])]);
  const inner = builder.add('Mul', [x, builder.add('Sigmoid', [x])]);
  const rest = builder.add('Mul', [inner, builder.add('Sub', [builder.scalar(1), builder.add('Mul', [t, t])])]);
  return [builder.add('Mul', [dOutputs[0]!, builder.add('Add', [t, rest])])];
};
