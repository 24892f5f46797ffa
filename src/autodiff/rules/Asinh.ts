import type { Rule } from '../rule.ts';

/** Y = asinh X: dX = dY / √(X² + 1) */
export const Asinh: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  const square = builder.add('Add', [builder.add('Mul', [x, x]), builder.scalar(1)]);
  return [builder.add('Div', [dOutputs[0]!, builder.add('Sqrt', [square])])];
};
