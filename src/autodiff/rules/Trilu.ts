import type { Rule } from '../rule.ts';

/** Y = a triangle of X, zeros elsewhere: dX = the same triangle of dY */
export const Trilu: Rule = ({ node, dOutputs, builder }) => [
  builder.add('Trilu', [dOutputs[0]!, ...node.inputs.slice(1)], node.attributes),
];
