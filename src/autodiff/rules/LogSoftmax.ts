import { int, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = X − ln Σ e^X along the axis: dX = dY − e^Y · Σ dY */
export const LogSoftmax: Rule = ({ node, dOutputs, builder }) => {
  const dY = dOutputs[0]!;
  const total = builder.add('ReduceSum', [dY, builder.ints([intOf(node, 'axis', -1)])], { keepdims: int(1) });
  return [builder.add('Sub', [dY, builder.add('Mul', [builder.add('Exp', [node.outputs[0]!]), total])])];
};
