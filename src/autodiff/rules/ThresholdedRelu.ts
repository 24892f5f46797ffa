import { floatOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { indicator } from './broadcast.ts';

/** Y = X where X > α, 0 elsewhere: dX = dY · [X > α] */
export const ThresholdedRelu: Rule = ({ node, dOutputs, builder }) => {
  const above = builder.add('Greater', [node.inputs[0]!, builder.scalar(floatOf(node, 'alpha', 1))]);
  return [builder.add('Mul', [dOutputs[0]!, indicator(builder, above)])];
};
