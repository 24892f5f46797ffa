import type { Rule } from '../rule.ts';

/** Y = atan X: dX = dY / (1 + X²) */
export const Atan: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  return [builder.add('Div', [dOutputs[0]!, builder.add('Add', [builder.add('Mul', [x, x]), builder.scalar(1)])])];
};
