import type { Rule } from '../rule.ts';
import { reduced } from './reduced.ts';

/** Y = Σ X over the axes: dX = dY, repeated */
export const ReduceSum: Rule = (context) => {
  const { dOutputs, builder, shape, node } = context;
  return [builder.add('Expand', [reduced(context).kept(dOutputs[0]!), builder.ints(shape(node.inputs[0]!))])];
};
