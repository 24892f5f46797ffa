import type { Rule } from '../rule.ts';

/** Y = e^X: dX = dY · Y */
export const Exp: Rule = ({ node, dOutputs, builder }) => [builder.add('Mul', [dOutputs[0]!, node.outputs[0]!])];
