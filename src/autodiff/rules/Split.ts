import { int, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { zerosLike } from './broadcast.ts';

/** Yᵢ = parts of X along the axis: dX = the dYᵢ one after the other, zeros where the loss does not depend on a part */
export const Split: Rule = ({ node, dOutputs, builder, shape }) => {
  const like = dOutputs.find((d) => d !== undefined)!;
  const parts = node.outputs.map((y, i) => dOutputs[i] ?? zerosLike(builder, shape(y), like));
  return [builder.add('Concat', parts, { axis: int(intOf(node, 'axis', 0)) })];
};
