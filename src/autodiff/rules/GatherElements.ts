import { int, intOf, string } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { zerosLike } from './broadcast.ts';

/** Y = one element of X per index along the axis: dY is added to the elements it came from */
export const GatherElements: Rule = ({ node, dOutputs, builder, shape }) => {
  const [x, indices] = node.inputs;
  const zeros = zerosLike(builder, shape(x!), dOutputs[0]!);
  const attributes = { axis: int(intOf(node, 'axis', 0)), reduction: string('add') };
  return [builder.add('ScatterElements', [zeros, indices!, dOutputs[0]!], attributes)];
};
