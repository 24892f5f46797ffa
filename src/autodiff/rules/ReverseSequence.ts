import type { Rule } from '../rule.ts';

/** Y = X with the first elements of each sequence in reverse: dX = dY reversed in the same way */
export const ReverseSequence: Rule = ({ node, dOutputs, builder }) => [
  builder.add('ReverseSequence', [dOutputs[0]!, node.inputs[1]!], node.attributes),
];
