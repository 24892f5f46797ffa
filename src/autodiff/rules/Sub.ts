import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/** Y = A − B: dA = dY, dB = −dY, summed over the axes that were repeated */
export const Sub: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [a, b] = node.inputs;
  const dims = shape(node.outputs[0]!);
  const dY = dOutputs[0]!;
  return [
    needs[0] ? sumToShape(builder, dY, dims, shape(a!)) : undefined,
    needs[1] ? builder.add('Neg', [sumToShape(builder, dY, dims, shape(b!))]) : undefined,
  ];
};
