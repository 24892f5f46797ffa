import type { GraphBuilder } from '../../onnx/builder.ts';

/** sign(X) |X|^(p − 1), which is ∂(|X|ᵖ / p) / ∂X. */
export function powerSlope(builder: GraphBuilder, x: string, p: number): string {
  if (p === 2) return x;
  const sign = builder.add('Sign', [x]);
  if (p === 1) return sign;
  return builder.add('Mul', [sign, builder.add('Pow', [builder.add('Abs', [x]), builder.scalar(p - 1)])]);
}

/** dY · Y^(1 − p), and 0 where Y is 0: with Y = (Σ |X|ᵖ)^(1/p), the gradient of Σ |X|ᵖ / p. */
export function normShare(builder: GraphBuilder, dY: string, y: string, p: number): string {
  if (p === 1) return dY;
  const zero = builder.scalar(0);
  const isZero = builder.add('Equal', [y, zero]);
  const safe = builder.add('Where', [isZero, builder.scalar(1), y]);
  const power = p === 2 ? safe : builder.add('Pow', [safe, builder.scalar(p - 1)]);
  return builder.add('Where', [isZero, zero, builder.add('Div', [dY, power])]);
}
