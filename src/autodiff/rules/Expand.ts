import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/** Y = X repeated to a larger shape: dX = dY summed over the repeated axes */
export const Expand: Rule = ({ node, dOutputs, builder, shape }) => [
  sumToShape(builder, dOutputs[0]!, shape(node.outputs[0]!), shape(node.inputs[0]!)),
];
