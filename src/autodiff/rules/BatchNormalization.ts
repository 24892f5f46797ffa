import { floatOf, intOf } from '../../onnx/model.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { reshape } from './broadcast.ts';
import { standardize, standardizeGradient, sumToAxis } from './standardize.ts';

/**
 * Y = γ (X − μ) r + β per channel, r = 1 / √(σ² + ε).
 *
 * With stored moments (the default): dX = γ r dY, dγ = r (Σ dY·X − μ Σ dY), dβ = Σ dY; μ and σ² are statistics, not
 * weights, and get no gradient. With `training_mode` 1 the moments are those of the batch, and dX flows through them too;
 * the running moments it puts out get none.
 */
export const BatchNormalization: Rule = (context) =>
  intOf(context.node, 'training_mode', 0) === 1 ? batchMoments(context) : storedMoments(context);

function storedMoments({ node, dOutputs, needs, builder, shape }: RuleContext): ReturnType<Rule> {
  const [x, scale, , mean, variance] = node.inputs;
  const dY = dOutputs[0]!;
  const dims = shape(x!);
  const perChannel = dims.slice(1).map((d, i) => (i === 0 ? d : 1));
  const epsilon = builder.scalar(floatOf(node, 'epsilon', 1e-5));
  const inverse = builder.add('Reciprocal', [builder.add('Sqrt', [builder.add('Add', [variance!, epsilon])])]);
  const dX = (): string =>
    builder.add('Mul', [dY, reshape(builder, builder.add('Mul', [scale!, inverse]), perChannel)]);
  const dBias = needs[1] || needs[2] ? sumToAxis(builder, dY, dims, 1) : undefined;
  const dScale = (total: string): string => {
    const product = sumToAxis(builder, builder.add('Mul', [dY, x!]), dims, 1);
    return builder.add('Mul', [builder.add('Sub', [product, builder.add('Mul', [mean!, total])]), inverse]);
  };
  return [
    needs[0] ? dX() : undefined,
    needs[1] && dBias !== undefined ? dScale(dBias) : undefined,
    needs[2] ? dBias : undefined,
  ];
}

function batchMoments({ node, dOutputs, needs, builder, shape }: RuleContext): ReturnType<Rule> {
  const [x, scale] = node.inputs;
  const dY = dOutputs[0];
  if (dY === undefined) return [];
  const dims = shape(x!);
  const axes = dims.flatMap((_, i) => (i === 1 ? [] : [i]));
  const perChannel = dims.slice(1).map((d, i) => (i === 0 ? d : 1));
  const standard = standardize(builder, x!, dims, axes, floatOf(node, 'epsilon', 1e-5));
  const dX = (): string => {
    const g = builder.add('Mul', [dY, reshape(builder, scale!, perChannel)]);
    return standardizeGradient(builder, standard, g, dims, axes);
  };
  return [
    needs[0] ? dX() : undefined,
    needs[1] ? sumToAxis(builder, builder.add('Mul', [dY, standard.value]), dims, 1) : undefined,
    needs[2] ? sumToAxis(builder, dY, dims, 1) : undefined,
  ];
}
