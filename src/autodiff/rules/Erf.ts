import type { Rule } from '../rule.ts';

/** Y = erf X: dX = dY · 2/√π · e^(−X²) */
export const Erf: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  const bell = builder.add('Exp', [builder.add('Neg', [builder.add('Mul', [x, x])])]);
  return [builder.add('Mul', [dOutputs[0]!, builder.add('Mul', [bell, builder.scalar(2 / Math.sqrt(Math.PI))])])];
};
