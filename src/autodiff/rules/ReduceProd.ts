import { int } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { indicator } from './broadcast.ts';
import { reduced } from './reduced.ts';

/**
 * Y = Π X over the axes: dX = dY · the product of all other elements, which is P / X where nothing is 0, P the product of
 * what is not 0. Where one element is 0, only that one has a gradient, P dY; where two are, none has.
 */
export const ReduceProd: Rule = (context) => {
  const { node, dOutputs, builder } = context;
  const { axes, kept } = reduced(context);
  if (axes.length === 0) return [dOutputs[0]];
  const x = node.inputs[0]!;
  const zero = builder.scalar(0);
  const one = builder.scalar(1);
  const over = builder.ints(axes);
  const isZero = builder.add('Equal', [x, zero]);
  const safe = builder.add('Where', [isZero, one, x]);
  const product = builder.add('ReduceProd', [safe, over], { keepdims: int(1) });
  const zeros = builder.add('ReduceSum', [indicator(builder, isZero), over], { keepdims: int(1) });
  const shares = (count: number): string => indicator(builder, builder.add('Equal', [zeros, builder.scalar(count)]));
  // Of zeros there is [count = 1] at the zero itself, and [count = 0] elsewhere.
  const others = builder.add('Where', [isZero, shares(1), builder.add('Div', [shares(0), safe])]);
  const total = builder.add('Mul', [product, kept(dOutputs[0]!)]);
  return [builder.add('Mul', [others, total])];
};
