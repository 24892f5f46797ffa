import type { Rule } from '../rule.ts';

/** Y = ln X: dX = dY / X */
export const Log: Rule = ({ node, dOutputs, builder }) => [builder.add('Div', [dOutputs[0]!, node.inputs[0]!])];
