import type { Rule } from '../rule.ts';

/** Y = tan X: dX = dY · (1 + Y²) */
export const Tan: Rule = ({ node, dOutputs, builder }) => {
  const y = node.outputs[0]!;
  const slope = builder.add('Add', [builder.add('Mul', [y, y]), builder.scalar(1)]);
  return [builder.add('Mul', [dOutputs[0]!, slope])];
};
