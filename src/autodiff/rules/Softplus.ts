import type { Rule } from '../rule.ts';

/** Y = ln(1 + e^X): dX = dY · σ(X) */
export const Softplus: Rule = ({ node, dOutputs, builder }) => [
  builder.add('Mul', [dOutputs[0]!, builder.add('Sigmoid', [node.inputs[0]!])]),
];
