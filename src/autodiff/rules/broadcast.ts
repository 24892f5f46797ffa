import type { GraphBuilder } from '../../onnx/builder.ts';
import { int, sizeOf } from '../../onnx/model.ts';

/** ONNX's number of float32, for `Cast`. Gradients are float32 throughout. */
const FLOAT32 = 1;

/**
 * Transpose of broadcasting: the gradient of a tensor of shape `to` that was broadcast to `from`.
 * Axes that were repeated are summed.
 *
 * @param dY gradient of shape `from`
 */
export function sumToShape(builder: GraphBuilder, dY: string, from: readonly number[], to: readonly number[]): string {
  if (sameDims(from, to)) return dY;
  const lead = from.length - to.length;
  const axes = from.flatMap((size, i) => (i < lead || (to[i - lead] === 1 && size !== 1) ? [i] : []));
  const summed = axes.length === 0 ? dY : builder.add('ReduceSum', [dY, builder.ints(axes)], { keepdims: int(1) });
  return lead === 0 ? summed : reshape(builder, summed, to);
}

/** Reshapes to static dims. */
export function reshape(builder: GraphBuilder, x: string, dims: readonly number[]): string {
  return builder.add('Reshape', [x, builder.ints(dims)]);
}

/** 1 where the condition (bool) holds, else 0, as float32. */
export function indicator(builder: GraphBuilder, condition: string): string {
  return builder.add('Cast', [condition], { to: int(FLOAT32) });
}

/** 1 where low < x < high, else 0. Bounds are names of scalar tensors; undefined is no bound. */
export function between(
  builder: GraphBuilder,
  x: string,
  low: string | undefined,
  high: string | undefined,
): string | undefined {
  const above = low === undefined ? undefined : builder.add('Greater', [x, low]);
  const below = high === undefined ? undefined : builder.add('Less', [x, high]);
  if (above !== undefined && below !== undefined) return indicator(builder, builder.add('And', [above, below]));
  const one = above ?? below;
  return one === undefined ? undefined : indicator(builder, one);
}

/** Up to this many elements, zeros are a constant; a larger constant would hold memory as long as the session lives. */
const SMALL = 16384;

/**
 * Zeros of a static shape, made when the graph runs.
 *
 * @param like any float tensor with at least one element: a zero is derived from it that onnxruntime cannot fold
 */
export function zerosLike(builder: GraphBuilder, dims: readonly number[], like: string): string {
  const shape = builder.ints(dims);
  if (sizeOf(dims) <= SMALL) return builder.add('ConstantOfShape', [shape]);
  const first = builder.add('Slice', [reshape(builder, like, [-1]), builder.ints([0]), builder.ints([1])]);
  // x < x never holds, not even for NaN.
  return builder.add('Expand', [indicator(builder, builder.add('Less', [first, first])), shape]);
}

export function sameDims(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** The axis counted from 0. */
export function axisFrom0(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}
