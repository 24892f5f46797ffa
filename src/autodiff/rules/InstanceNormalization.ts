import { floatOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { reshape } from './broadcast.ts';
import { standardize, standardizeGradient, sumToAxis } from './standardize.ts';

/** Y = γ x̂ + β per channel, x̂ standardized over the spatial axes of each image: gradients as in LayerNormalization */
export const InstanceNormalization: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [x, scale] = node.inputs;
  const dY = dOutputs[0]!;
  const dims = shape(x!);
  const axes = dims.flatMap((_, i) => (i >= 2 ? [i] : []));
  const perChannel = dims.slice(1).map((d, i) => (i === 0 ? d : 1));
  const standard = standardize(builder, x!, dims, axes, floatOf(node, 'epsilon', 1e-5));
  const dX = (): string =>
    standardizeGradient(builder, standard, builder.add('Mul', [dY, reshape(builder, scale!, perChannel)]), dims, axes);
  return [
    needs[0] ? dX() : undefined,
    needs[1] ? sumToAxis(builder, builder.add('Mul', [dY, standard.value]), dims, 1) : undefined,
    needs[2] ? sumToAxis(builder, dY, dims, 1) : undefined,
  ];
};
