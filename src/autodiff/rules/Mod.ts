import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/** Y = A − qB, q a whole number (the remainder): dA = dY, dB = −q dY, summed over the axes that were repeated */
export const Mod: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [a, b] = node.inputs;
  const y = node.outputs[0]!;
  const dY = dOutputs[0]!;
  const dB = (): string => {
    const q = builder.add('Round', [builder.add('Div', [builder.add('Sub', [a!, y]), b!])]);
    return builder.add('Neg', [sumToShape(builder, builder.add('Mul', [dY, q]), shape(y), shape(b!))]);
  };
  return [needs[0] ? sumToShape(builder, dY, shape(y), shape(a!)) : undefined, needs[1] ? dB() : undefined];
};
