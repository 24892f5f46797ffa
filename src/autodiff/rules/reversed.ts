import type { GraphBuilder } from '../../onnx/builder.ts';

/** The tensor with the elements of the axes in reverse order. */
export function reversed(builder: GraphBuilder, x: string, axes: readonly number[]): string {
  if (axes.length === 0) return x;
  const all = (value: number): string => builder.ints(axes.map(() => value));
  return builder.add('Slice', [x, all(-1), all(-(2 ** 31)), builder.ints(axes), all(-1)]);
}
