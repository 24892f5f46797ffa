import type { GraphBuilder } from '../../onnx/builder.ts';
import { int, sizeOf } from '../../onnx/model.ts';

/** x̂ = (x − μ) r, with r = 1 / √(σ² + ε), moments taken over some axes. */
export interface Standardized {
  /** x̂, of the shape of x. */
  readonly value: string;
  /** r, of the shape of x with size 1 on the axes. */
  readonly inverseDeviation: string;
}

/** Standardizes a tensor over the axes; the variance is the biased one. */
export function standardize(
  builder: GraphBuilder,
  x: string,
  dims: readonly number[],
  axes: readonly number[],
  epsilon: number,
): Standardized {
  const centred = builder.add('Sub', [x, meanOver(builder, x, dims, axes)]);
  const variance = meanOver(builder, builder.add('Mul', [centred, centred]), dims, axes);
  const deviation = builder.add('Sqrt', [builder.add('Add', [variance, builder.scalar(epsilon)])]);
  const inverseDeviation = builder.add('Reciprocal', [deviation]);
  return { value: builder.add('Mul', [centred, inverseDeviation]), inverseDeviation };
}

/** dx = r (g − mean g − x̂ · mean(g · x̂)), where g = dx̂ and the means run over the same axes */
export function standardizeGradient(
  builder: GraphBuilder,
  { value, inverseDeviation }: Standardized,
  g: string,
  dims: readonly number[],
  axes: readonly number[],
): string {
  const along = builder.add('Mul', [value, meanOver(builder, builder.add('Mul', [g, value]), dims, axes)]);
  const rest = builder.add('Sub', [builder.add('Sub', [g, meanOver(builder, g, dims, axes)]), along]);
  return builder.add('Mul', [rest, inverseDeviation]);
}

/** Mean over the axes, kept as size 1; as a sum, because ReduceMean takes its axes in another way before operator set 18. */
export function meanOver(builder: GraphBuilder, x: string, dims: readonly number[], axes: readonly number[]): string {
  const count = sizeOf(axes.map((a) => dims[a]!));
  const sum = builder.add('ReduceSum', [x, builder.ints(axes)], { keepdims: int(1) });
  return builder.add('Mul', [sum, builder.scalar(1 / count)]);
}

/** Σ over all axes but `axis`, as a vector. */
export function sumToAxis(builder: GraphBuilder, x: string, dims: readonly number[], axis: number): string {
  const axes = dims.flatMap((_, i) => (i === axis ? [] : [i]));
  return axes.length === 0 ? x : builder.add('ReduceSum', [x, builder.ints(axes)], { keepdims: int(0) });
}
