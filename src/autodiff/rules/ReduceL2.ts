import type { Rule } from '../rule.ts';
import { reduced } from './reduced.ts';

/** Y = √Σ X² over the axes: dX = dY · X / Y, and 0 where Y is 0 */
export const ReduceL2: Rule = (context) => {
  const { node, dOutputs, builder } = context;
  const { kept } = reduced(context);
  const y = node.outputs[0]!;
  const zero = builder.scalar(0);
  const safe = builder.add('Where', [builder.add('Equal', [y, zero]), builder.scalar(1), y]);
  return [builder.add('Mul', [node.inputs[0]!, kept(builder.add('Div', [dOutputs[0]!, safe]))])];
};
