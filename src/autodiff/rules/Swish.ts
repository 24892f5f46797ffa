import { floatOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = X s, s = σ(αX): dX = dY · (s + αX s (1 − s)) */
export const Swish: Rule = ({ node, dOutputs, builder }) => {
  const alpha = floatOf(node, 'alpha', 1);
  const x = node.inputs[0]!;
  const scaled = alpha === 1 ? x : builder.add('Mul', [x, builder.scalar(alpha)]);
  const s = builder.add('Sigmoid', [scaled]);
  const rest = builder.add('Mul', [scaled, builder.add('Sub', [builder.scalar(1), s])]);
  const slope = builder.add('Mul', [s, builder.add('Add', [rest, builder.scalar(1)])]);
  return [builder.add('Mul', [dOutputs[0]!, slope])];
};
