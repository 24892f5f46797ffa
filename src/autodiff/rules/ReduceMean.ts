import type { Rule } from '../rule.ts';
import { reduced } from './reduced.ts';

/** Y = Σ X / n over the axes: dX = dY / n, repeated */
export const ReduceMean: Rule = (context) => {
  const { dOutputs, builder, shape, node } = context;
  const { count, kept } = reduced(context);
  const share = builder.add('Mul', [kept(dOutputs[0]!), builder.scalar(1 / count)]);
  return [builder.add('Expand', [share, builder.ints(shape(node.inputs[0]!))])];
};
