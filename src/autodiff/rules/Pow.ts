import { int } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { sumToShape } from './broadcast.ts';

/**
 * Y = X^P: dX = dY · P · X^(P − 1), 0 where P is 0, dP = dY · Y · ln X, 0 where X ≤ 0; both summed over the axes they were
 * repeated on.
 */
export const Pow: Rule = ({ node, dOutputs, needs, builder, shape, dtype, constant }) => {
  const [x, p] = node.inputs;
  const dY = dOutputs[0]!;
  const dims = shape(node.outputs[0]!);
  return [needs[0] ? sumToShape(builder, byBase(), dims, shape(x!)) : undefined, needs[1] ? byExponent() : undefined];

  function byBase(): string {
    const known = constant(p!);
    if (known?.data.length === 1) {
      const exponent = Number(known.data[0]);
      const power = exponent === 2 || exponent === 0 ? x! : builder.add('Pow', [x!, builder.scalar(exponent - 1)]);
      return builder.add('Mul', [dY, builder.add('Mul', [power, builder.scalar(exponent)])]);
    }
    const exponent = dtype(p!) === 'float32' ? p! : builder.add('Cast', [p!], { to: int(1) });
    // 0 · 0^−1 is not a number; any power will do where the exponent is 0.
    const one = builder.scalar(1);
    const isZero = builder.add('Equal', [exponent, builder.scalar(0)]);
    const less = builder.add('Where', [isZero, one, builder.add('Sub', [exponent, one])]);
    const power = builder.add('Pow', [x!, less]);
    return builder.add('Mul', [dY, builder.add('Mul', [exponent, power])]);
  }

  function byExponent(): string {
    const positive = builder.add('Greater', [x!, builder.scalar(0)]);
    const log = builder.add('Log', [builder.add('Where', [positive, x!, builder.scalar(1)])]);
    const dP = builder.add('Mul', [dY, builder.add('Mul', [node.outputs[0]!, log])]);
    return sumToShape(builder, dP, dims, shape(p!));
  }
};
