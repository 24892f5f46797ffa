import type { Rule } from '../rule.ts';

/** Y = −X: dX = −dY */
export const Neg: Rule = ({ dOutputs, builder }) => [builder.add('Neg', [dOutputs[0]!])];
