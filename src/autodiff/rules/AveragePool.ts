import type { GraphBuilder } from '../../onnx/builder.ts';
import { float32, int, intOf, ints, sizeOf } from '../../onnx/model.ts';
import { convGeometry, type Geometry } from '../../onnx/shapes/geometry.ts';
import type { Rule } from '../rule.ts';
import { reshape } from './broadcast.ts';
import { pad, spread } from './spread.ts';

/**
 * Y = Σ X / c over each window, where c counts the window's elements, with or without its padding.
 * dX is the sum of dY / c over all windows that hold the element. That is itself a pooling with the same kernel: of
 * (k / c) dY, k the kernel's size, with zeros put between its elements for the stride; so it runs at the forward's speed.
 */
export const AveragePool: Rule = ({ node, dOutputs, builder, shape }) => {
  const dims = shape(node.inputs[0]!);
  const outDims = shape(node.outputs[0]!);
  const kernel = node.attributes.kernel_shape;
  const geometry = convGeometry(node, dims, kernel?.kind === 'ints' ? kernel.value : []);
  const weights = windowWeights(geometry, dims.slice(2), intOf(node, 'count_include_pad', 0) === 1);
  const weighted = weights.every((w) => w === 1)
    ? dOutputs[0]!
    : builder.add('Mul', [dOutputs[0]!, builder.constant(float32(weights, geometry.output))]);

  const steps = new Map(geometry.strides.map((s, i) => [i + 2, s]));
  const wide = spread(builder, weighted, outDims, steps);
  const spatial = geometry.output.map((_, i) => {
    const extent = geometry.dilations[i]! * (geometry.kernel[i]! - 1);
    const begin = extent - geometry.pads[i]!;
    // Whatever end padding makes the pooled size that of X: it may cut the zeros behind the last element.
    return { kernel: geometry.kernel[i]!, begin, end: dims[i + 2]! + extent - wide.dims[i + 2]! - begin };
  });
  // Pooling takes padding smaller than its kernel only.
  const direct = spatial.every(({ kernel, begin, end }) => Math.min(begin, end) >= 0 && Math.max(begin, end) < kernel);
  const begins = spatial.map(({ begin }) => begin);
  const ends = spatial.map(({ end }) => end);
  const input = direct ? wide.name : padded(builder, wide, begins, ends);
  return [
    builder.add('AveragePool', [input], {
      kernel_shape: ints(geometry.kernel),
      ...(geometry.dilations.some((d) => d !== 1) ? { dilations: ints(geometry.dilations) } : {}),
      ...(direct ? { pads: ints([...begins, ...ends]) } : {}),
      count_include_pad: int(1),
    }),
  ];
};

/**
 * Pads the spatial axes. Channels are merged meanwhile: of a Pad right before a pooling, onnxruntime makes one node, even
 * where the padding is then more than pooling takes.
 */
function padded(
  builder: GraphBuilder,
  x: { readonly name: string; readonly dims: readonly number[] },
  begins: readonly number[],
  ends: readonly number[],
): string {
  const [batch, channels, ...spatial] = x.dims;
  const planes = reshape(builder, x.name, [batch! * channels!, ...spatial]);
  const sizes = spatial.map((d, i) => d + begins[i]! + ends[i]!);
  return reshape(builder, pad(builder, planes, [0, ...begins], [0, ...ends]), [batch!, channels!, ...sizes]);
}

/** k / c per output position, in row-major order. */
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
