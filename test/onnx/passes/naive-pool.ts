/** Poolings of one channel that round up, by their definition. */

export interface Pool {
  readonly op: 'MaxPool' | 'AveragePool' | 'LpPool';
  /** One entry per axis; begins, then ends of the pads. */
  readonly size: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
  /** Of AveragePool: whether padding counts. What is behind the padding never does. */
  readonly countsPadding: boolean;
}

/** The windows that start in the input or in the padding before it. @param x values in row-major order */
export function naivePool(
  { op, size, kernel, strides, dilations, pads, countsPadding }: Pool,
  x: ArrayLike<number>,
): { readonly dims: readonly number[]; readonly values: readonly number[] } {
  const rank = size.length;
  const dims = size.map((n, a) => {
    const last = n + pads[a]! + pads[a + rank]! - dilations[a]! * (kernel[a]! - 1) - 1;
    // Starts up to where the last full window ends the padding, and one more if that leaves something over.
    let count = 1;
    while ((count - 1) * strides[a]! < last && count * strides[a]! < n + pads[a]!) count++;
    return count;
  });
  const values = positions(dims).map((window) => {
    const held: number[] = [];
    let counted = 0;
    for (const tap of positions(kernel)) {
      const at = window.map((w, a) => w * strides[a]! - pads[a]! + tap[a]! * dilations[a]!);
      if (at.every((p, a) => p >= 0 && p < size[a]!)) held.push(x[at.reduce((i, p, a) => i * size[a]! + p, 0)]!);
      if (at.every((p, a) => p < size[a]! + pads[a + rank]!)) counted++;
    }
    if (op === 'MaxPool') return Math.max(...held);
    if (op === 'LpPool') return Math.sqrt(held.reduce((s, v) => s + v * v, 0));
    return held.reduce((s, v) => s + v, 0) / (countsPadding ? counted : held.length);
  });
  return { dims, values };
}

/** Every position in a box, in row-major order. */
function positions(dims: readonly number[]): number[][] {
  return dims.reduce<number[][]>((all, n) => all.flatMap((p) => Array.from({ length: n }, (_, i) => [...p, i])), [[]]);
}
