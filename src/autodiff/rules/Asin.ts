import type { Rule } from '../rule.ts';

/** Y = asin X: dX = dY / √(1 − X²) */
export const Asin: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  const square = builder.add('Sub', [builder.scalar(1), builder.add('Mul', [x, x])]);
  return [builder.add('Div', [dOutputs[0]!, builder.add('Sqrt', [square])])];
};
