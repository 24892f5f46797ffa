import type { Rule } from '../rule.ts';

/** Y = cos X: dX = −dY · sin X */
export const Cos: Rule = ({ node, dOutputs, builder }) => [
  builder.add('Neg', [builder.add('Mul', [dOutputs[0]!, builder.add('Sin', [node.inputs[0]!])])]),
];
