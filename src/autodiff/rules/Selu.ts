import { floatOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = γX where X > 0, γα(e^X − 1) elsewhere: dX = dY · (X > 0 ? γ : Y + γα) */
export const Selu: Rule = ({ node, dOutputs, builder }) => {
  const alpha = floatOf(node, 'alpha', 1.6732632);
  const gamma = floatOf(node, 'gamma', 1.050701);
  const positive = builder.add('Greater', [node.inputs[0]!, builder.scalar(0)]);
  const below = builder.add('Add', [node.outputs[0]!, builder.scalar(gamma * alpha)]);
  return [builder.add('Mul', [dOutputs[0]!, builder.add('Where', [positive, builder.scalar(gamma), below])])];
};
