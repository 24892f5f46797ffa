import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/** Y = A where the condition holds, else B: dA = dY where it holds, else 0; dB the other way round */
export const Where: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [condition, a, b] = node.inputs;
  const dY = dOutputs[0]!;
  const zero = builder.scalar(0);
  const dims = shape(node.outputs[0]!);
  return [
    undefined,
    needs[1] ? sumToShape(builder, builder.add('Where', [condition!, dY, zero]), dims, shape(a!)) : undefined,
    needs[2] ? sumToShape(builder, builder.add('Where', [condition!, zero, dY]), dims, shape(b!)) : undefined,
  ];
};
