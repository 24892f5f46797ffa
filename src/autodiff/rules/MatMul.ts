import { int, ints, sizeOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { reshape, sumToShape } from './broadcast.ts';

/**
 * Y = A·B, [batch…, M, K] · [batch…, K, N]: dA = dY·Bᵀ, dB = Aᵀ·dY, summed over batch axes that were repeated.
 * A 1-D operand is a row on the left, a column on the right.
 */
export const MatMul: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [a, b] = node.inputs;
  const aDims = shape(a!);
  const bDims = shape(b!);
  const left = aDims.length === 1 ? [1, ...aDims] : aDims;
  const right = bDims.length === 1 ? [...bDims, 1] : bDims;
  const [m, k, n] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  const yDims = shape(node.outputs[0]!);
  const batch = yDims.slice(0, yDims.length - (aDims.length > 1 ? 1 : 0) - (bDims.length > 1 ? 1 : 0));
  const as = (x: string, from: readonly number[], to: readonly number[]): string =>
    from.length === to.length ? x : reshape(builder, x, to);
  const dY = as(dOutputs[0]!, yDims, [...batch, m, n]);
  const transposed = (x: string, rank: number): string => {
    const perm = Array.from({ length: rank }, (_, i) => i);
    return builder.add('Transpose', [x], { perm: ints([...perm.slice(0, -2), rank - 1, rank - 2]) });
  };

  const dA = (): string => {
    const bT = transposed(as(b!, bDims, right), right.length);
    const full = builder.add('MatMul', [dY, bT]);
    return as(sumToShape(builder, full, [...batch, m, k], left), left, aDims);
  };
  const dB = (): string => {
    if (right.length === 2) {
      // One matrix for the whole batch: a single product over all rows.
      const rows = sizeOf(left) / k;
      const product = builder.add('Gemm', [reshape(builder, a!, [rows, k]), reshape(builder, dY, [rows, n])], {
        transA: int(1),
      });
      return as(product, right, bDims);
    }
    const aT = transposed(as(a!, aDims, left), left.length);
    return sumToShape(builder, builder.add('MatMul', [aT, dY]), [...batch, k, n], right);
  };
  return [needs[0] ? dA() : undefined, needs[1] ? dB() : undefined];
};
