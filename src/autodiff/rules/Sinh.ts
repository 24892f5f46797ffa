import type { Rule } from '../rule.ts';

/** Y = sinh X: dX = dY · cosh X */
export const Sinh: Rule = ({ node, dOutputs, builder }) => {
  return [builder.add('Mul', [dOutputs[0]!, builder.add('Cosh', [node.inputs[0]!])])];
};
