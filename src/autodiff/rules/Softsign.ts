import type { Rule } from '../rule.ts';

/** Y = X / (1 + |X|): dX = dY · (1 − |Y|)² */
export const Softsign: Rule = ({ node, dOutputs, builder }) => {
  const root = builder.add('Sub', [builder.scalar(1), builder.add('Abs', [node.outputs[0]!])]);
  return [builder.add('Mul', [dOutputs[0]!, builder.add('Mul', [root, root])])];
};
