import type { Rule } from '../rule.ts';

/** Y = X: dX = dY */
export const Identity: Rule = ({ dOutputs }) => [dOutputs[0]];
