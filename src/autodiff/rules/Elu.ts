import { floatOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = X where X ≥ 0, α(e^X − 1) elsewhere: dX = dY · (X > 0 ? 1 : Y + α) */
export const Elu: Rule = ({ node, dOutputs, builder }) => {
  const alpha = builder.scalar(floatOf(node, 'alpha', 1));
  const positive = builder.add('Greater', [node.inputs[0]!, builder.scalar(0)]);
  const below = builder.add('Add', [node.outputs[0]!, alpha]);
  return [builder.add('Mul', [dOutputs[0]!, builder.add('Where', [positive, builder.scalar(1), below])])];
};
