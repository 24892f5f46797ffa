import { codeOf } from '../../onnx/data-types.ts';
import { int } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = X in another element type: dX = dY in the type of X. Whole numbers have no gradient. */
export const Cast: Rule = ({ node, dOutputs, builder, dtype }) => {
  const type = dtype(node.inputs[0]!);
  if (!dtype(node.outputs[0]!).startsWith('float')) return [];
  return [builder.add('Cast', [dOutputs[0]!], { to: int(codeOf(type)) })];
};
