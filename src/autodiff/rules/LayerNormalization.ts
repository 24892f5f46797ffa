import { floatOf, intOf, sizeOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { axisFrom0, sumToShape } from './broadcast.ts';
import { standardize, standardizeGradient } from './standardize.ts';

/**
 * Y = γ x̂ + β, x̂ = (X − μ) r standardized over the n elements from `axis` on: dγ = Σ dY · x̂, dβ = Σ dY, and dX from
 * g = γ dY as in `standardizeGradient`. Where the loss depends on the moments that it may put out too, dX gains
 * (dμ − dr · r² x̂) / n.
 *
 * @see Ba et al. 2016, arXiv:1607.06450
 */
export const LayerNormalization: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [x, scale, bias] = node.inputs;
  const [dY, dMean, dInverse] = dOutputs;
  const dims = shape(x!);
  const first = axisFrom0(intOf(node, 'axis', -1), dims.length);
  const axes = dims.flatMap((_, i) => (i >= first ? [i] : []));
  const standard = standardize(builder, x!, dims, axes, floatOf(node, 'epsilon', 1e-5));
  const share = (d: string, factor: number): string =>
    builder.add('Mul', [d, builder.scalar(factor / sizeOf(dims.slice(first)))]);
  const parts = (): string[] => {
    const out: string[] = [];
    if (dY !== undefined)
      out.push(standardizeGradient(builder, standard, builder.add('Mul', [dY, scale!]), dims, axes));
    if (dMean !== undefined) out.push(builder.add('Expand', [share(dMean, 1), builder.ints(dims)]));
    if (dInverse !== undefined) {
      const r = standard.inverseDeviation;
      const slope = builder.add('Mul', [share(dInverse, -1), builder.add('Mul', [r, r])]);
      out.push(builder.add('Mul', [standard.value, slope]));
    }
    return out;
  };
  const dScale = (d: string): string =>
    sumToShape(builder, builder.add('Mul', [d, standard.value]), dims, shape(scale!));
  return [
    needs[0] ? parts().reduce((a, b) => builder.add('Add', [a, b])) : undefined,
    needs[1] && dY !== undefined ? dScale(dY) : undefined,
    needs[2] && dY !== undefined ? sumToShape(builder, dY, dims, shape(bias!)) : undefined,
  ];
};
