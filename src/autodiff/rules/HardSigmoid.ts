import { floatOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { between } from './broadcast.ts';

/** Y = min(max(αX + β, 0), 1): dX = dY · α · [0 < Y < 1] */
export const HardSigmoid: Rule = ({ node, dOutputs, builder }) => {
  const inside = between(builder, node.outputs[0]!, builder.scalar(0), builder.scalar(1))!;
  const slope = builder.add('Mul', [inside, builder.scalar(floatOf(node, 'alpha', 0.2))]);
  return [builder.add('Mul', [dOutputs[0]!, slope])];
};
