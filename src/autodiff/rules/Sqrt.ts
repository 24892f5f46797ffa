import type { Rule } from '../rule.ts';

/** Y = √X: dX = dY / (2Y) */
export const Sqrt: Rule = ({ node, dOutputs, builder }) => {
  const y = node.outputs[0]!;
  return [builder.add('Div', [dOutputs[0]!, builder.add('Add', [y, y])])];
};
