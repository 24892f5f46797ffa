import type { Rule } from '../rule.ts';

/** Y = atanh X: dX = dY / (1 − X²) */
export const Atanh: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  return [builder.add('Div', [dOutputs[0]!, builder.add('Sub', [builder.scalar(1), builder.add('Mul', [x, x])])])];
};
