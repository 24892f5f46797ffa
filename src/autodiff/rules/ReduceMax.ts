import { int } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { indicator } from './broadcast.ts';
import { reduced } from './reduced.ts';

/** Y = max X over the axes: dX = dY · [X = Y] / k, where k elements share the maximum. The same for the minimum. */
export const ReduceMax: Rule = (context) => {
  const { node, dOutputs, builder } = context;
  const { axes, kept } = reduced(context);
  if (axes.length === 0) return [dOutputs[0]];
  const mask = indicator(builder, builder.add('Equal', [node.inputs[0]!, kept(node.outputs[0]!)]));
  const count = builder.add('ReduceSum', [mask, builder.ints(axes)], { keepdims: int(1) });
  return [builder.add('Mul', [mask, builder.add('Div', [kept(dOutputs[0]!), count])])];
};
