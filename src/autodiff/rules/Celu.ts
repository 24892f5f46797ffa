import { floatOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/**
 * Y = X where X > 0, α(e^(X/α) − 1) elsewhere: dX = dY · (X > 0 ? 1 : Y/α + 1)
 *
 * @see Barron 2017, arXiv:1704.07483
 */
export const Celu: Rule = ({ node, dOutputs, builder }) => {
  const one = builder.scalar(1);
  const positive = builder.add('Greater', [node.inputs[0]!, builder.scalar(0)]);
  const scaled = builder.add('Mul', [node.outputs[0]!, builder.scalar(1 / floatOf(node, 'alpha', 1))]);
  const slope = builder.add('Where', [positive, one, builder.add('Add', [scaled, one])]);
  return [builder.add('Mul', [dOutputs[0]!, slope])];
};
