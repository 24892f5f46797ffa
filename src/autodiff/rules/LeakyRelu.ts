import { floatOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Steep enough that every normal number above 0 becomes 1. */
const STEEP = 3e38;

/**
 * Y = X where X ≥ 0, αX elsewhere: dX = dY · (Y > 0 ? 1 : α).
 *
 * For 0 ≤ α ≤ 1 the slope is min(max(Y · ∞, α), 1), from the output; any other α needs the sign of the input.
 */
export const LeakyRelu: Rule = ({ node, dOutputs, builder }) => {
  const alpha = floatOf(node, 'alpha', 0.01);
  const one = builder.scalar(1);
  const slope =
    alpha >= 0 && alpha <= 1
      ? builder.add('Clip', [builder.add('Mul', [node.outputs[0]!, builder.scalar(STEEP)]), builder.scalar(alpha), one])
      : builder.add('Where', [
          builder.add('Greater', [node.inputs[0]!, builder.scalar(0)]),
          one,
          builder.scalar(alpha),
        ]);
  return [builder.add('Mul', [dOutputs[0]!, slope])];
};
