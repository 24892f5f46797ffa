import { floatOf, intOf, sizeOf } from '../../onnx/model.ts';
import type { Rule, RuleContext } from '../rule.ts';
import { reshape } from './broadcast.ts';
import { standardize, standardizeGradient, sumToAxis } from './standardize.ts';

/**
 * Y = γ (X − μ) r + β per channel, r = 1 / √(σ² + ε).
 *
 * With stored moments (the default): dX = γ r dY, dγ = r (Σ dY·X − μ Σ dY), dβ = Σ dY; and, where one asks for statistics
 * as if they were weights, dμ = −γ r dβ, dσ² = −γ r² dγ / 2. With `training_mode` 1 the moments are those of the batch, and
 * dX flows through them too. The running moments R′ = m R + (1 − m) · moment that it puts out pass theirs on as well:
 * dR = m dR′, and dX gains (1 − m) (dR′(μ) + 2 (X − μ) dR′(σ²)) / n.
 *
 * @see Ioffe and Szegedy 2015, arXiv:1502.03167
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
  const gain = needs[0] || needs[3] || needs[4] ? builder.add('Mul', [scale!, inverse]) : '';
  const dBias = needs.slice(1).includes(true) ? sumToAxis(builder, dY, dims, 1) : '';
  const product = (total: string): string => {
    const sum = sumToAxis(builder, builder.add('Mul', [dY, x!]), dims, 1);
    return builder.add('Mul', [builder.add('Sub', [sum, builder.add('Mul', [mean!, total])]), inverse]);
  };
  const dScale = needs[1] || needs[4] ? product(dBias) : '';
  const times = (...factors: readonly string[]): string => factors.reduce((a, b) => builder.add('Mul', [a, b]));
  return [
    needs[0] ? builder.add('Mul', [dY, reshape(builder, gain, perChannel)]) : undefined,
    needs[1] ? dScale : undefined,
    needs[2] ? dBias : undefined,
    needs[3] ? builder.add('Neg', [times(gain, dBias)]) : undefined,
    needs[4] ? times(gain, inverse, dScale, builder.scalar(-0.5)) : undefined,
  ];
}

function batchMoments({ node, dOutputs, needs, builder, shape }: RuleContext): ReturnType<Rule> {
  const [x, scale] = node.inputs;
  const [dY, dMean, dVariance] = dOutputs;
  const dims = shape(x!);
  const axes = dims.flatMap((_, i) => (i === 1 ? [] : [i]));
  const perChannel = dims.slice(1).map((d, i) => (i === 0 ? d : 1));
  const momentum = floatOf(node, 'momentum', 0.9);
  const standard = standardize(builder, x!, dims, axes, floatOf(node, 'epsilon', 1e-5));
  /** A gradient of running moments, as a factor of each element of X. */
  const perElement = (d: string, factor: number): string => {
    const share = (factor * (1 - momentum) * dims[1]!) / sizeOf(dims);
    return reshape(builder, builder.add('Mul', [d, builder.scalar(share)]), perChannel);
  };
  const parts = (): string[] => {
    const out: string[] = [];
    if (dY !== undefined) {
      const g = builder.add('Mul', [dY, reshape(builder, scale!, perChannel)]);
      out.push(standardizeGradient(builder, standard, g, dims, axes));
    }
    if (dMean !== undefined) out.push(builder.add('Expand', [perElement(dMean, 1), builder.ints(dims)]));
    if (dVariance !== undefined) {
      const centred = builder.add('Div', [standard.value, standard.inverseDeviation]);
      out.push(builder.add('Mul', [centred, perElement(dVariance, 2)]));
    }
    return out;
  };
  const kept = (d: string | undefined): string | undefined =>
    d === undefined ? undefined : builder.add('Mul', [d, builder.scalar(momentum)]);
  return [
    needs[0] ? parts().reduce((a, b) => builder.add('Add', [a, b])) : undefined,
    needs[1] && dY !== undefined ? sumToAxis(builder, builder.add('Mul', [dY, standard.value]), dims, 1) : undefined,
    needs[2] && dY !== undefined ? sumToAxis(builder, dY, dims, 1) : undefined,
    needs[3] ? kept(dMean) : undefined,
    needs[4] ? kept(dVariance) : undefined,
  ];
}
