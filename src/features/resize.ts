/** The one resize of nevus, in two forms. */
import type { GraphBuilder } from '../onnx/builder.ts';
import { float32, int, int64, ints, string } from '../onnx/model.ts';

/**
 * How the resize is written; the results differ by rounding only, see `addResize`.
 *
 * - `resize`: the operator Resize with `antialias`. Fast in onnxruntime, which training uses
 * - `matrices`: two matrix products. Older operator sets and other runtimes have them too, so this is what ships
 */
export type ResizeForm = 'resize' | 'matrices';

/**
 * Antialiased linear resize to a square: each axis of length L is weighted by triangles of half-width f = max(L / S, 1)
 * around the S new centres, the border repeated beyond the image. This is what `Resize` with `antialias` does in
 * onnxruntime; as a matrix, R[j, i] = t(i − c_j) / Σ t, c_j = (j + ½) L / S − ½, t(d) = max(0, 1 − |d| / f), where the
 * triangle's share outside of the image is added to the border's pixel. Then Y = R_H X R_Wᵀ.
 *
 * @param x float32 [N, H, W, 3], H and W free
 * @param planar whether the result is NCHW
 * @returns float32 [N, 3, S, S], or [N, S, S, 3]
 */
export function addResize(builder: GraphBuilder, x: string, size: number, planar: boolean, form: ResizeForm): string {
  if (form === 'resize') {
    // Resize runs 10 times as fast with channels last.
    const resized = builder.add(
      'Resize',
      [x, '', '', builder.ints([size, size])],
      {
        mode: string('linear'),
        coordinate_transformation_mode: string('half_pixel'),
        antialias: int(1),
        axes: ints([1, 2]),
      },
      { name: 'resize' },
    );
    return planar ? builder.add('Transpose', [resized], { perm: ints([0, 3, 1, 2]) }, { name: 'nchw' }) : resized;
  }
  const named = { name: 'resize' };
  const shape = builder.add('Shape', [x], {}, named);
  const rows = builder.add('Reshape', [x, builder.ints([0, 0, -1])], {}, named);
  const lower = builder.add('MatMul', [addResizeMatrix(builder, shape, 1, size), rows], {}, named);
  const pixels = builder.add('Reshape', [lower, builder.ints([0, size, -1, 3])], {}, named);
  const planes = builder.add('Transpose', [pixels], { perm: ints([0, 3, 1, 2]) }, { name: 'nchw' });
  const across = builder.add('Transpose', [addResizeMatrix(builder, shape, 2, size)], { perm: ints([1, 0]) }, named);
  const resized = builder.add('MatMul', [planes, across], {}, named);
  return planar ? resized : builder.add('Transpose', [resized], { perm: ints([0, 2, 3, 1]) }, { name: 'nhwc' });
}

/** R [S, L] for the axis whose length L stands in the shape. */
function addResizeMatrix(builder: GraphBuilder, shape: string, axis: number, size: number): string {
  const add = (op: string, inputs: readonly string[]): string => builder.add(op, inputs, {}, { name: 'resize' });
  const [half, one, zero] = [0.5, 1, 0].map((value) => builder.scalar(value));
  const length = builder.add(
    'Cast',
    [builder.add('Gather', [shape, builder.constant(int64([axis], []))], {}, { name: 'resize' })],
    { to: int(1) },
    { name: 'resize' },
  );
  const scale = add('Div', [length, builder.scalar(size)]);
  const reach = add('Max', [scale, one!]);
  const halves = Float32Array.from({ length: size }, (_, j) => j + 0.5);
  const centre = add('Sub', [add('Mul', [builder.constant(float32(halves, [size, 1])), scale]), half!]);
  const triangle = (at: string): string =>
    add('Relu', [add('Sub', [one!, add('Div', [add('Abs', [add('Sub', [at, centre])]), reach])])]);
  const sum = (w: string): string =>
    builder.add('ReduceSum', [w, builder.ints([1])], { keepdims: int(1) }, { name: 'resize' });

  const index = add('Range', [zero!, length, one!]);
  const inside = triangle(index);
  const beyond = add('Range', [one!, add('Add', [add('Ceil', [reach]), one!]), one!]);
  const before = sum(triangle(add('Neg', [beyond])));
  const last = add('Sub', [length, one!]);
  const after = sum(triangle(add('Add', [last, beyond])));
  // 1 at the first pixel, and at the last, 0 elsewhere.
  const atFirst = add('Relu', [add('Sub', [one!, index])]);
  const atLast = add('Relu', [add('Sub', [one!, add('Sub', [last, index])])]);
  const folded = add('Add', [add('Add', [inside, add('Mul', [before, atFirst])]), add('Mul', [after, atLast])]);
  return add('Div', [folded, sum(folded)]);
}
