import { int, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = sums of X up to each element of the axis: dX = sums of dY from each element on, that is, summed the other way */
export const CumSum: Rule = ({ node, dOutputs, builder }) => [
  builder.add('CumSum', [dOutputs[0]!, node.inputs[1]!], {
    exclusive: int(intOf(node, 'exclusive', 0)),
    reverse: int(1 - intOf(node, 'reverse', 0)),
  }),
];
