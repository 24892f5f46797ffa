import { floatOf, intOf, sizeOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { reshape, sumToShape } from './broadcast.ts';
import { standardize, standardizeGradient } from './standardize.ts';

/**
 * Y = γ x̂ + β, x̂ standardized over each group of channels of each image: gradients as in LayerNormalization. γ and β
 * have one value per channel, or, before operator set 21, one per group.
 *
 * @see Wu and He 2018, arXiv:1803.08494
 */
export const GroupNormalization: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [x, scale, bias] = node.inputs;
  const dims = shape(x!);
  const [batch, channels] = [dims[0]!, dims[1]!];
  const groups = intOf(node, 'num_groups', 1);
  const grouped = [batch, groups, channels / groups, sizeOf(dims.slice(2))];
  const axes = [2, 3];
  /** Shape under which γ and β broadcast against the groups. */
  const affine = sizeOf(shape(scale!)) === channels ? [groups, channels / groups, 1] : [groups, 1, 1];
  const dY = reshape(builder, dOutputs[0]!, grouped);
  const standard = standardize(builder, reshape(builder, x!, grouped), grouped, axes, floatOf(node, 'epsilon', 1e-5));
  const dX = (): string => {
    const g = builder.add('Mul', [dY, reshape(builder, scale!, affine)]);
    return reshape(builder, standardizeGradient(builder, standard, g, grouped, axes), dims);
  };
  const total = (t: string, of: string): string => reshape(builder, sumToShape(builder, t, grouped, affine), shape(of));
  return [
    needs[0] ? dX() : undefined,
    needs[1] ? total(builder.add('Mul', [dY, standard.value]), scale!) : undefined,
    needs[2] ? total(dY, bias!) : undefined,
  ];
};
