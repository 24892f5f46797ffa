import type { Rule } from '../rule.ts';

/** Y = tanh X: dX = dY · (1 − Y²) */
export const Tanh: Rule = ({ node, dOutputs, builder }) => {
  const y = node.outputs[0]!;
  const slope = builder.add('Sub', [builder.scalar(1), builder.add('Mul', [y, y])]);
  return [builder.add('Mul', [dOutputs[0]!, slope])];
};
