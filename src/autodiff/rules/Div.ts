import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/** Y = A / B: dA = dY / B, dB = −dY · Y / B, summed over the axes that were repeated */
export const Div: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [a, b] = node.inputs;
  const y = node.outputs[0]!;
  const ratio = builder.add('Div', [dOutputs[0]!, b!]);
  return [
    needs[0] ? sumToShape(builder, ratio, shape(y), shape(a!)) : undefined,
    needs[1]
      ? builder.add('Neg', [sumToShape(builder, builder.add('Mul', [ratio, y]), shape(y), shape(b!))])
      : undefined,
  ];
};
