import type { Rule } from '../rule.ts';

/** Y = acos X: dX = −dY / √(1 − X²) */
export const Acos: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  const square = builder.add('Sub', [builder.scalar(1), builder.add('Mul', [x, x])]);
  return [builder.add('Neg', [builder.add('Div', [dOutputs[0]!, builder.add('Sqrt', [square])])])];
};
