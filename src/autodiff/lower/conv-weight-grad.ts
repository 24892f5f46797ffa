import type { GraphBuilder } from '../../onnx/builder.ts';
import { int, ints, type Node } from '../../onnx/model.ts';
import type { Blocked } from './blocked.ts';
import { type Convolution, convAttributes, convolutionOf, taps } from './convolution.ts';
import { fills, type Lowering } from './lowering.ts';

/** From this many gathered values on (64 MB), the rows of a kernel are gathered one after the other, for memory. */
const BY_ROW_FROM_VALUES = 2 ** 24;

/** From this many pixels on, a product per image and a sum over images beats gathering the batch into one matrix. */
const PER_IMAGE_FROM_PIXELS = 400;

/**
 * dW[o, c, k] = Σ_{n, i} dY[n, o, i] X[n, c, s·i + d·k − p]
 *
 * - one filter per channel: the blocked kernels, with dY as a filter as large as the image
 * - kernel 1: a matrix product over pixels
 * - strided: the blocked kernels with batch and channels exchanged
 * - else: the taps gathered side by side (im2col) and one matrix product
 */
export function convWeightGrad(lowering: Lowering, node: Node): string {
  const { builder, blocked } = lowering;
  const conv = convolutionOf(node);
  const [x, dY] = node.inputs;
  const ends = exchangedPadsEnd(conv);
  if (blocked !== undefined && conv.kernel.length === 2 && ends.every((p) => p >= 0)) {
    if (conv.depthwise && fills(lowering, conv.c)) return perChannel(builder, blocked, conv, ends, x!, dY!);
    if (conv.group === 1 && conv.strides.some((s) => s > 1) && fills(lowering, conv.n) && fills(lowering, conv.o)) {
      return exchanged(lowering, blocked, conv, ends, x!, dY!);
    }
  }
  if (conv.pointwise && blocked !== undefined && size(conv.y) >= PER_IMAGE_FROM_PIXELS) {
    return perImage(builder, conv, x!, dY!);
  }
  return gathered(builder, conv, x!, dY!);
}

const size = (dims: readonly number[]): number => dims.reduce((product, d) => product * d, 1);

/** With X as input and dY as filter, a convolution whose dilation is s and stride d has dW as output, if it ends here. */
function exchangedPadsEnd(conv: Convolution): number[] {
  return conv.kernel.map(
    (k, i) => conv.dilations[i]! * (k - 1) + conv.strides[i]! * (conv.y[i]! - 1) + 1 - conv.x[i]! - conv.padsBegin[i]!,
  );
}

function exchangedAttributes(conv: Convolution, padsEnd: readonly number[], group: number) {
  return convAttributes({
    kernel: conv.y,
    strides: conv.dilations,
    dilations: conv.strides,
    padsBegin: conv.padsBegin,
    padsEnd,
    group,
  });
}

/** Every image and channel is a channel of its own: dY as it lies is already the blocked filter. Summed over images. */
function perChannel(
  builder: GraphBuilder,
  blocked: Blocked,
  conv: Convolution,
  padsEnd: readonly number[],
  x: string,
  dY: string,
): string {
  const channels = conv.n * conv.c;
  const input = builder.add('Reshape', [blocked.input(x), builder.ints([1, channels, ...conv.x])]);
  const filter = builder.add('Reshape', [blocked.input(dY), builder.ints([channels, 1, ...conv.y])]);
  const each = blocked.output(blocked.conv([input, filter], exchangedAttributes(conv, padsEnd, channels)), channels);
  const byImage = builder.add('Reshape', [each, builder.ints([conv.n, conv.c, 1, ...conv.kernel])]);
  return builder.add('ReduceSum', [byImage, builder.ints([0])], { keepdims: int(0) });
}

/** X as [C, N, H, W], dY as filters [O, N, OH, OW]: the result is dW as [C, O, kh, kw]. */
function exchanged(
  { builder, block }: Lowering,
  blocked: Blocked,
  conv: Convolution,
  padsEnd: readonly number[],
  x: string,
  dY: string,
): string {
  const { n, o } = conv;
  const input = blocked.input(builder.add('Transpose', [x], { perm: ints([1, 0, 2, 3]) }));
  // Blocked dY [N/b, b, O/b, pixels, b] to blocked filters [O/b, N/b, pixels, b of N, b of O].
  const split = builder.add('Reshape', [
    blocked.input(dY),
    builder.ints([n / block, block, o / block, size(conv.y), block]),
  ]);
  const filter = builder.add('Reshape', [
    builder.add('Transpose', [split], { perm: ints([2, 0, 3, 1, 4]) }),
    builder.ints([o, n, ...conv.y]),
  ]);
  const dW = blocked.output(blocked.conv([input, filter], exchangedAttributes(conv, padsEnd, 1)), o);
  return builder.add('Transpose', [dW], { perm: ints([1, 0, 2, 3]) });
}

/** dW = Σ_n dY_n X_nᵀ over pixels. */
function perImage(builder: GraphBuilder, conv: Convolution, x: string, dY: string): string {
  const pixels = size(conv.y);
  const rows = (t: string, channels: number): string =>
    builder.add('Reshape', [t, builder.ints([conv.n, channels, pixels])]);
  const each = builder.add(
    'FusedMatMul',
    [rows(dY, conv.o), rows(x, conv.c)],
    { transB: int(1) },
    { domain: 'com.microsoft' },
  );
  const dW = builder.add('ReduceSum', [each, builder.ints([0])], { keepdims: int(0) });
  return builder.add('Reshape', [dW, builder.ints([conv.o, conv.c, ...conv.kernel])]);
}

/**
 * dW = dY [O, N·pixels] · columns [C·taps, N·pixels]ᵀ, per group. The taps lie behind the channels, as they do in W, so
 * that the product is dW as it is stored.
 */
function gathered(builder: GraphBuilder, conv: Convolution, x: string, dY: string): string {
  const { n, c, o, group, kernel, strides, dilations, padsBegin, padsEnd, y } = conv;
  const swap = { perm: ints([1, 0, ...kernel.map((_, i) => i + 2)]) };
  const positions = n * size(y);
  const channelsFirst = builder.add('Transpose', [x], swap);
  const padded = [...padsBegin, ...padsEnd].some((p) => p > 0)
    ? builder.add('Pad', [channelsFirst, builder.ints([0, 0, ...padsBegin, 0, 0, ...padsEnd])])
    : channelsFirst;
  const axes = builder.ints(kernel.map((_, i) => i + 2));
  const columnsOf = (tap: readonly number[]): string => {
    if (conv.pointwise) return padded;
    const starts = tap.map((k, i) => k * dilations[i]!);
    const ends = starts.map((start, i) => start + (y[i]! - 1) * strides[i]! + 1);
    return builder.add('Slice', [padded, builder.ints(starts), builder.ints(ends), axes, builder.ints(strides)]);
  };
  const dYRows = builder.add('Transpose', [dY], swap);
  const rows = (t: string, dims: readonly number[]): string => builder.add('Reshape', [t, builder.ints(dims)]);
  const product = (some: readonly (readonly number[])[], dims: readonly number[]): string => {
    const parts = some.map(columnsOf);
    // [C, N, …] side by side along N: channel by channel, all taps.
    const all = parts.length === 1 ? parts[0]! : builder.add('Concat', parts, { axis: int(1) });
    const perGroup = (c / group) * parts.length;
    if (group === 1) {
      const factors = [rows(dYRows, [o, positions]), rows(all, [perGroup, positions])];
      return rows(builder.add('Gemm', factors, { transB: int(1) }), dims);
    }
    const columns = builder.add('Transpose', [rows(all, [group, perGroup, positions])], { perm: ints([0, 2, 1]) });
    return rows(builder.add('MatMul', [rows(dYRows, [group, o / group, positions]), columns]), dims);
  };
  const every = taps(kernel);
  const whole = [o, c / group, ...kernel];
  const [height = 1] = kernel;
  if (height === 1 || c * every.length * positions < BY_ROW_FROM_VALUES) return product(every, whole);
  const byRow = Array.from({ length: height }, (_, k) =>
    product(
      every.filter(([first]) => first === k),
      [o, c / group, 1, ...kernel.slice(1)],
    ),
  );
  return builder.add('Concat', byRow, { axis: int(2) });
}
