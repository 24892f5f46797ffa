import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/** Y = A + B: dA = dB = dY, summed over the axes that were repeated */
export const Add: Rule = ({ node, dOutputs, needs, builder, shape }) =>
  node.inputs.map((x, i) =>
    needs[i] ? sumToShape(builder, dOutputs[0]!, shape(node.outputs[0]!), shape(x)) : undefined,
  );
