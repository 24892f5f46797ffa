import type { Rule } from '../rule.ts';
import { reduced } from './reduced.ts';

/** Y = Σ X² over the axes: dX = 2 X dY */
export const ReduceSumSquare: Rule = (context) => {
  const { node, dOutputs, builder } = context;
  const twice = builder.add('Mul', [reduced(context).kept(dOutputs[0]!), builder.scalar(2)]);
  return [builder.add('Mul', [node.inputs[0]!, twice])];
};
