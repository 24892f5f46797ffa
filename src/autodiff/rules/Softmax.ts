import { int, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = e^X / Σ e^X along the axis: dX = Y · (dY − Σ dY · Y) */
export const Softmax: Rule = ({ node, dOutputs, builder }) => {
  const y = node.outputs[0]!;
  const dY = dOutputs[0]!;
  const axis = builder.ints([intOf(node, 'axis', -1)]);
  const mean = builder.add('ReduceSum', [builder.add('Mul', [dY, y]), axis], { keepdims: int(1) });
  return [builder.add('Mul', [y, builder.add('Sub', [dY, mean])])];
};
