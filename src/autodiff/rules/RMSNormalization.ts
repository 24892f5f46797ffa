import { floatOf, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { axisFrom0, sumToShape } from './broadcast.ts';
import { meanOver } from './standardize.ts';

/**
 * Y = γ x̂, x̂ = X r, r = 1 / √(mean X² + ε) over the axes from `axis` on: dγ = Σ dY · x̂, and with g = γ dY
 * dX = r (g − x̂ · mean(g · x̂))
 *
 * @see Zhang and Sennrich 2019, arXiv:1910.07467
 */
export const RMSNormalization: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [x, scale] = node.inputs;
  const dY = dOutputs[0]!;
  const dims = shape(x!);
  const first = axisFrom0(intOf(node, 'axis', -1), dims.length);
  const axes = dims.flatMap((_, i) => (i >= first ? [i] : []));
  const epsilon = builder.scalar(floatOf(node, 'epsilon', 1e-5));
  const square = builder.add('Add', [meanOver(builder, builder.add('Mul', [x!, x!]), dims, axes), epsilon]);
  const inverse = builder.add('Reciprocal', [builder.add('Sqrt', [square])]);
  const value = builder.add('Mul', [x!, inverse]);
  const dX = (): string => {
    const g = builder.add('Mul', [dY, scale!]);
    const along = meanOver(builder, builder.add('Mul', [g, value]), dims, axes);
    return builder.add('Mul', [builder.add('Sub', [g, builder.add('Mul', [value, along])]), inverse]);
  };
  return [
    needs[0] ? dX() : undefined,
    needs[1] ? sumToShape(builder, builder.add('Mul', [dY, value]), dims, shape(scale!)) : undefined,
  ];
};
