import { sizeOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = Σ X / n over the n spatial positions: dX = dY / n at each of them */
export const GlobalAveragePool: Rule = ({ node, dOutputs, builder, shape }) => {
  const dims = shape(node.inputs[0]!);
  const share = builder.add('Mul', [dOutputs[0]!, builder.scalar(1 / sizeOf(dims.slice(2)))]);
  return [builder.add('Expand', [share, builder.ints(dims)])];
};
