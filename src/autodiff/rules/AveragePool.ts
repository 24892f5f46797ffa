import { float32, intOf, intsOf, sizeOf } from '../../onnx/model.ts';
import { convGeometry, type Geometry } from '../../onnx/shapes/geometry.ts';
import type { Rule } from '../rule.ts';
import { unpool } from './unpool.ts';

/**
 * Y = Σ X / c over each window, where c counts the window's elements, with or without its padding. dX is the sum of dY / c
 * over all windows that hold the element.
 */
export const AveragePool: Rule = ({ node, dOutputs, builder, shape }) => {
  const dims = shape(node.inputs[0]!);
  const geometry = convGeometry(node, dims, intsOf(node, 'kernel_shape', []));
  const weights = windowWeights(geometry, dims.slice(2), intOf(node, 'count_include_pad', 0) === 1);
  const weighted = weights.every((w) => w === 1)
    ? dOutputs[0]!
    : builder.add('Mul', [dOutputs[0]!, builder.constant(float32(weights, geometry.output))]);
  return [unpool(builder, weighted, geometry, dims)];
};

/** k / c per output position, in row-major order; k is the kernel's size. */
function windowWeights(geometry: Geometry, input: readonly number[], includePad: boolean): number[] {
  const { kernel, strides, dilations, pads, output } = geometry;
  const rank = kernel.length;
  /** Elements of the window at each position of one axis. */
  const counts = output.map((steps, axis) =>
    Array.from({ length: steps }, (_, at) => {
      const start = at * strides[axis]! - pads[axis]!;
      const low = includePad ? Number.NEGATIVE_INFINITY : 0;
      const high = input[axis]! + (includePad ? pads[axis + rank]! : 0);
      let count = 0;
      for (let tap = 0; tap < kernel[axis]!; tap++) {
        const position = start + tap * dilations[axis]!;
        if (position >= low && position < high) count++;
      }
      return count;
    }),
  );
  const product = counts.reduce((all, axis) => all.flatMap((p) => axis.map((c) => p * c)), [1]);
  // A window that lies in the padding alone has no gradient to give.
  return product.map((c) => (c === 0 ? 0 : sizeOf(kernel) / c));
}
