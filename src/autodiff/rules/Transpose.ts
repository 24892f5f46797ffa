import { ints, intsOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = X with its axes in the order `perm`, reversed by default: dX = dY with its axes put back */
export const Transpose: Rule = ({ node, dOutputs, builder, shape }) => {
  const rank = shape(node.inputs[0]!).length;
  const perm = intsOf(node, 'perm', undefined) ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const back = Array.from({ length: rank }, (_, i) => perm.indexOf(i));
  return [builder.add('Transpose', [dOutputs[0]!], { perm: ints(back) })];
};
