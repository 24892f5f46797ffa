import type { Rule } from '../rule.ts';
import { reshape } from './broadcast.ts';

/** Y = the elements of X in the same order under another shape: dX = dY under the shape of X */
export const Reshape: Rule = ({ node, dOutputs, builder, shape }) => [
  reshape(builder, dOutputs[0]!, shape(node.inputs[0]!)),
];
