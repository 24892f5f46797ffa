import { floatOf, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { axisFrom0, sumToShape } from './broadcast.ts';
import { standardize, standardizeGradient } from './standardize.ts';

/**
 * Y = γ x̂ + β, x̂ standardized over the axes from `axis` on: dγ = Σ dY · x̂, dβ = Σ dY, and dX from g = γ dY as in
 * `standardizeGradient`. The moments it may put out get no gradient.
 */
export const LayerNormalization: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [x, scale, bias] = node.inputs;
  const dY = dOutputs[0];
  if (dY === undefined) return [];
  const dims = shape(x!);
  const first = axisFrom0(intOf(node, 'axis', -1), dims.length);
  const axes = dims.flatMap((_, i) => (i >= first ? [i] : []));
  const standard = standardize(builder, x!, dims, axes, floatOf(node, 'epsilon', 1e-5));
  const dX = (): string => standardizeGradient(builder, standard, builder.add('Mul', [dY, scale!]), dims, axes);
  const dScale = (): string => sumToShape(builder, builder.add('Mul', [dY, standard.value]), dims, shape(scale!));
  return [
    needs[0] ? dX() : undefined,
    needs[1] ? dScale() : undefined,
    needs[2] ? sumToShape(builder, dY, dims, shape(bias!)) : undefined,
  ];
};
