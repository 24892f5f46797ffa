import type { GraphBuilder } from '../../onnx/builder.ts';
import { reshape, sameDims } from './broadcast.ts';

/**
 * Transpose of taking every `step`-th element: puts step − 1 zeros behind each element of an axis.
 *
 * @returns tensor of shape `dims` with axis `axis` of size dims[axis] · step
 */
export function spread(
  builder: GraphBuilder,
  x: string,
  dims: readonly number[],
  steps: ReadonlyMap<number, number>,
): { readonly name: string; readonly dims: readonly number[] } {
  const stepOf = (axis: number): number => steps.get(axis) ?? 1;
  const wide = dims.map((d, i) => d * stepOf(i));
  if (sameDims(wide, dims)) return { name: x, dims };
  // Each element becomes a row of its own, which is padded to the step.
  const rows = dims.flatMap((d, i) => (stepOf(i) === 1 ? [d] : [d, 1]));
  const ends = dims.flatMap((_, i) => (stepOf(i) === 1 ? [0] : [0, stepOf(i) - 1]));
  const padded = pad(
    builder,
    reshape(builder, x, rows),
    rows.map(() => 0),
    ends,
  );
  return { name: reshape(builder, padded, wide), dims: wide };
}

/** Adds zeros around a tensor; negative counts cut. */
export function pad(builder: GraphBuilder, x: string, begins: readonly number[], ends: readonly number[]): string {
  if ([...begins, ...ends].every((p) => p === 0)) return x;
  return builder.add('Pad', [x, builder.ints([...begins, ...ends])]);
}
