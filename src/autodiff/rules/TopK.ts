import { int, intOf, string } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { zerosLike } from './broadcast.ts';

/** Y = the k largest or smallest elements along the axis: dY goes back to the elements they were; the others get 0 */
export const TopK: Rule = ({ node, dOutputs, builder, shape }) => {
  const dY = dOutputs[0];
  if (dY === undefined) return [];
  const indices = node.outputs[1] || builder.addMany('TopK', node.inputs, 2, node.attributes)[1]!;
  const zeros = zerosLike(builder, shape(node.inputs[0]!), dY);
  const attributes = { axis: int(intOf(node, 'axis', -1)), reduction: string('add') };
  return [builder.add('ScatterElements', [zeros, indices, dY], attributes)];
};
