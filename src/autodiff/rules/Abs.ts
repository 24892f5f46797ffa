import type { Rule } from '../rule.ts';

/** Y = |X|: dX = dY · sign X */
export const Abs: Rule = ({ node, dOutputs, builder }) => [
  builder.add('Mul', [dOutputs[0]!, builder.add('Sign', [node.inputs[0]!])]),
];
