import { BLOCKED_DOMAIN } from '../../onnx/blocked.ts';
import type { GraphBuilder } from '../../onnx/builder.ts';
import { type Attributes, int, ints } from '../../onnx/model.ts';

/**
 * Tensors in onnxruntime's blocked layout, [N, C / block, H, W, block]. The layout is not in a tensor's shape, which
 * stays [N, C, H, W], so a Reshape reads the same bytes as another blocked tensor: [N, C, H, W] as [1, N·C, H, W].
 */
export interface Blocked {
  /** X [N, C, H, W] in the blocked layout. C must be a multiple of the block. Made once per tensor. */
  input(x: string): string;
  /** Back to NCHW with the given channels. */
  output(y: string, channels: number): string;
  /** Filters [C, 1, kh, kw] of a depthwise convolution as [C / block, kh, kw, block]. */
  depthwiseFilter(w: string, channels: number, kernel: readonly number[]): string;
  conv(inputs: readonly string[], attributes: Attributes): string;
}

/** @param block channels per block, above 0 */
export function blocked(builder: GraphBuilder, block: number, made: Map<string, string>): Blocked {
  const options = { domain: BLOCKED_DOMAIN };
  return {
    input: (x) => {
      const known = made.get(x);
      if (known !== undefined) return known;
      const reordered = builder.add('ReorderInput', [x], {}, options);
      made.set(x, reordered);
      return reordered;
    },
    output: (y, channels) => builder.add('ReorderOutput', [y], { channels: int(channels) }, options),
    depthwiseFilter: (w, channels, kernel) => {
      const taps = kernel.reduce((product, k) => product * k, 1);
      const split = builder.add('Reshape', [w, builder.ints([channels / block, block, taps])]);
      return builder.add('Reshape', [
        builder.add('Transpose', [split], { perm: ints([0, 2, 1]) }),
        builder.ints([channels, 1, ...kernel]),
      ]);
    },
    conv: (inputs, attributes) => builder.add('Conv', inputs, attributes, options),
  };
}
