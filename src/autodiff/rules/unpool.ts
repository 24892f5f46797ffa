import type { GraphBuilder } from '../../onnx/builder.ts';
import { int, ints } from '../../onnx/model.ts';
import type { Geometry } from '../../onnx/shapes/geometry.ts';
import { reshape } from './broadcast.ts';
import { pad, spread } from './spread.ts';

/**
 * Transpose of adding up windows: at each element of the input, the sum of G over all windows that hold it, divided by the
 * k elements of a window. That is itself a pooling with the same kernel, of G with zeros put between its elements for the
 * stride; so it runs at the forward's speed.
 *
 * @param windows G [N, C, windows…]
 * @param dims of the input [N, C, spatial…]
 */
export function unpool(
  builder: GraphBuilder,
  windows: string,
  { kernel, strides, dilations, pads, output }: Geometry,
  dims: readonly number[],
): string {
  const steps = new Map(strides.map((s, i) => [i + 2, s]));
  const wide = spread(builder, windows, [...dims.slice(0, 2), ...output], steps);
  const spatial = output.map((_, i) => {
    const extent = dilations[i]! * (kernel[i]! - 1);
    const begin = extent - pads[i]!;
    // Whatever end padding makes the pooled size that of X: it may cut the zeros behind the last element.
    return { size: kernel[i]!, begin, end: dims[i + 2]! + extent - wide.dims[i + 2]! - begin };
  });
  // Pooling takes padding smaller than its kernel only.
  const direct = spatial.every(({ size, begin, end }) => Math.min(begin, end) >= 0 && Math.max(begin, end) < size);
  const begins = spatial.map(({ begin }) => begin);
  const ends = spatial.map(({ end }) => end);
  const input = direct ? wide.name : padded(builder, wide, begins, ends);
  return builder.add('AveragePool', [input], {
    kernel_shape: ints(kernel),
    ...(dilations.some((d) => d !== 1) ? { dilations: ints(dilations) } : {}),
    ...(direct ? { pads: ints([...begins, ...ends]) } : {}),
    count_include_pad: int(1),
  });
}

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
