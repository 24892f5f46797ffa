import type { Rule } from '../rule.ts';

/** Y = 1 / (1 + e^−X): dX = dY · Y · (1 − Y) */
export const Sigmoid: Rule = ({ node, dOutputs, builder }) => {
  const y = node.outputs[0]!;
  const slope = builder.add('Mul', [y, builder.add('Sub', [builder.scalar(1), y])]);
  return [builder.add('Mul', [dOutputs[0]!, slope])];
};
