import type { Rule } from '../rule.ts';
import { reduced } from './reduced.ts';

/** Y = ln Σ X over the axes: dX = dY · e^−Y, repeated */
export const ReduceLogSum: Rule = (context) => {
  const { node, dOutputs, builder, shape } = context;
  const inverse = builder.add('Exp', [builder.add('Neg', [node.outputs[0]!])]);
  const share = reduced(context).kept(builder.add('Mul', [dOutputs[0]!, inverse]));
  return [builder.add('Expand', [share, builder.ints(shape(node.inputs[0]!))])];
};
