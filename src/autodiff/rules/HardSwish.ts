import { float } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { between } from './broadcast.ts';

/** Y = X · h, h = min(max(X/6 + 1/2, 0), 1): dX = dY · (h + X/6 · [−3 < X < 3]) */
export const HardSwish: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  const h = builder.add('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) });
  const inside = between(builder, x, builder.scalar(-3), builder.scalar(3))!;
  const ramp = builder.add('Mul', [builder.add('Mul', [x, builder.scalar(1 / 6)]), inside]);
  return [builder.add('Mul', [dOutputs[0]!, builder.add('Add', [h, ramp])])];
};
