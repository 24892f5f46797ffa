import { float, floatOf, int, intOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/**
 * Y = α A′B′ + β C, where ′ transposes if transA, transB say so:
 * dA = α dY B′ᵀ (its transpose with transA), dB = α A′ᵀ dY (its transpose with transB), dC = β dY summed to C's shape
 */
export const Gemm: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [a, b, c] = node.inputs;
  const dY = dOutputs[0]!;
  const transA = intOf(node, 'transA', 0);
  const transB = intOf(node, 'transB', 0);
  const beta = floatOf(node, 'beta', 1);
  const product = (left: string, transLeft: number, right: string, transRight: number): string =>
    builder.add('Gemm', [left, right], {
      transA: int(transLeft),
      transB: int(transRight),
      alpha: float(floatOf(node, 'alpha', 1)),
    });
  const dA = transA === 1 ? () => product(b!, transB, dY, 1) : () => product(dY, 0, b!, 1 - transB);
  const dB = transB === 1 ? () => product(dY, 1, a!, transA) : () => product(a!, 1 - transA, dY, 0);
  const dC = (): string => {
    const sum = sumToShape(builder, dY, shape(node.outputs[0]!), shape(c!));
    return beta === 1 ? sum : builder.add('Mul', [sum, builder.scalar(beta)]);
  };
  return [needs[0] ? dA() : undefined, needs[1] ? dB() : undefined, needs[2] ? dC() : undefined];
};
