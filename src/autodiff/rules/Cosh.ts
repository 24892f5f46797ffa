import type { Rule } from '../rule.ts';

/** Y = cosh X: dX = dY · sinh X */
export const Cosh: Rule = ({ node, dOutputs, builder }) => {
  return [builder.add('Mul', [dOutputs[0]!, builder.add('Sinh', [node.inputs[0]!])])];
};
