import type { Rule } from '../rule.ts';

/** Y = 1/X: dX = −dY · Y² */
export const Reciprocal: Rule = ({ node, dOutputs, builder }) => {
  const y = node.outputs[0]!;
  return [builder.add('Neg', [builder.add('Mul', [dOutputs[0]!, builder.add('Mul', [y, y])])])];
};
