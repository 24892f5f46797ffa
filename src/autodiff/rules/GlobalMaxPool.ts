import { int } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { indicator } from './broadcast.ts';

/** Y = max X over the spatial positions: dX = dY · [X = Y] / k, where k positions share the maximum */
export const GlobalMaxPool: Rule = ({ node, dOutputs, builder, shape }) => {
  const x = node.inputs[0]!;
  const mask = indicator(builder, builder.add('Equal', [x, node.outputs[0]!]));
  const spatial = shape(x).flatMap((_, i) => (i >= 2 ? [i] : []));
  const count = builder.add('ReduceSum', [mask, builder.ints(spatial)], { keepdims: int(1) });
  return [builder.add('Mul', [mask, builder.add('Div', [dOutputs[0]!, count])])];
};
