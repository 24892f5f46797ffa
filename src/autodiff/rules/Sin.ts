import type { Rule } from '../rule.ts';

/** Y = sin X: dX = dY · cos X */
export const Sin: Rule = ({ node, dOutputs, builder }) => [
  builder.add('Mul', [dOutputs[0]!, builder.add('Cos', [node.inputs[0]!])]),
];
