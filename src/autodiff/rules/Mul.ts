import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/** Y = A · B: dA = dY · B, dB = dY · A, summed over the axes that were repeated */
export const Mul: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [a, b] = node.inputs;
  const dims = shape(node.outputs[0]!);
  const times = (other: string, self: string): string =>
    sumToShape(builder, builder.add('Mul', [dOutputs[0]!, other]), dims, shape(self));
  return [needs[0] ? times(b!, a!) : undefined, needs[1] ? times(a!, b!) : undefined];
};
