import { int, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/** Y = X / n, n = ‖X‖ₚ along the axis, p 1 or 2: dX = (dY − n′ Σ dY · Y) / n, n′ = sign X or Y; 0 where n is 0 */
export const LpNormalization: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  const y = node.outputs[0]!;
  const dY = dOutputs[0]!;
  const axis = builder.ints([intOf(node, 'axis', -1)]);
  const sum = (t: string): string => builder.add('ReduceSum', [t, axis], { keepdims: int(1) });
  const absolute = intOf(node, 'p', 2) === 1;
  const norm = absolute ? sum(builder.add('Abs', [x])) : builder.add('Sqrt', [sum(builder.add('Mul', [x, x]))]);
  const slope = absolute ? builder.add('Sign', [x]) : y;
  const rest = builder.add('Sub', [dY, builder.add('Mul', [slope, sum(builder.add('Mul', [dY, y]))])]);
  const zero = builder.scalar(0);
  const inverse = builder.add('Where', [builder.add('Equal', [norm, zero]), zero, builder.add('Reciprocal', [norm])]);
  return [builder.add('Mul', [rest, inverse])];
};
