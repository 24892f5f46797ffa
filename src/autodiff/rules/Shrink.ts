import { floatOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { indicator } from './broadcast.ts';

/** Y = X moved towards 0 by `bias` where |X| > λ, 0 elsewhere: dX = dY · [|X| > λ] */
export const Shrink: Rule = ({ node, dOutputs, builder }) => {
  const size = builder.add('Abs', [node.inputs[0]!]);
  const outside = builder.add('Greater', [size, builder.scalar(floatOf(node, 'lambd', 0.5))]);
  return [builder.add('Mul', [dOutputs[0]!, indicator(builder, outside)])];
};
