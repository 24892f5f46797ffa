import type { GraphBuilder } from '../../onnx/builder.ts';
import { stringOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';

/**
 * Y = X Φ(X): dX = dY · (Φ(X) + X φ(X)), φ the normal density, Φ its distribution; or, with `approximate` tanh,
 * Y = X/2 · (1 + t), t = tanh(u), u = √(2/π) (X + 0.044715 X³): dX = dY · ((1 + t)/2 + X/2 · (1 − t²) u′).
 *
 * @see Hendrycks and Gimpel 2016, arXiv:1606.08415
 */
export const Gelu: Rule = ({ node, dOutputs, builder }) => {
  const x = node.inputs[0]!;
  const slope = stringOf(node, 'approximate', 'none') === 'tanh' ? tanhSlope(builder, x) : erfSlope(builder, x);
  return [builder.add('Mul', [dOutputs[0]!, slope])];
};

function erfSlope(builder: GraphBuilder, x: string): string {
  const erf = builder.add('Erf', [builder.add('Mul', [x, builder.scalar(Math.SQRT1_2)])]);
  const half = builder.scalar(0.5);
  const below = builder.add('Add', [builder.add('Mul', [erf, half]), half]);
  const exponent = builder.add('Mul', [builder.add('Mul', [x, x]), builder.scalar(-0.5)]);
  const density = builder.add('Mul', [builder.add('Exp', [exponent]), builder.scalar(1 / Math.sqrt(2 * Math.PI))]);
  return builder.add('Add', [below, builder.add('Mul', [x, density])]);
}

function tanhSlope(builder: GraphBuilder, x: string): string {
  const root = Math.sqrt(2 / Math.PI);
  const one = builder.scalar(1);
  const half = builder.scalar(0.5);
  const square = builder.add('Mul', [x, x]);
  // root · (1 + a X²), for u = X · that with a = 0.044715, and for u′ with 3a.
  const factor = (a: number): string =>
    builder.add('Add', [builder.add('Mul', [square, builder.scalar(root * a)]), builder.scalar(root)]);
  const t = builder.add('Tanh', [builder.add('Mul', [x, factor(0.044715)])]);
  const left = builder.add('Mul', [builder.add('Add', [t, one]), half]);
  const sech2 = builder.add('Sub', [one, builder.add('Mul', [t, t])]);
  const right = builder.add('Mul', [builder.add('Mul', [x, half]), builder.add('Mul', [sech2, factor(3 * 0.044715)])]);
  return builder.add('Add', [left, right]);
}
