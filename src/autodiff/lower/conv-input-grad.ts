import type { GraphBuilder } from '../../onnx/builder.ts';
import { ints, type Node } from '../../onnx/model.ts';
import { type Convolution, convAttributes, convolutionOf } from './convolution.ts';
import { fills, type Lowering } from './lowering.ts';

/** Below this many output pixels, ConvTranspose beats a convolution with turned weights (measured at 8 × 8 and 17 × 17). */
const TURNED_FROM_PIXELS = 150;

/**
 * dX[i] = Σ_k dY[(i + p − d·k) / s] W[k]
 *
 * - stride 1: a convolution of dY with the weights turned by 180° and input and output channels exchanged
 * - else, and for small maps: ConvTranspose, which is this operator by definition
 */
export function convInputGrad(lowering: Lowering, node: Node): string {
  const { builder, blocked } = lowering;
  const conv = convolutionOf(node);
  const [dY, w] = node.inputs;
  // A turned convolution pads by what the kernel's reach leaves of the forward pads.
  const reach = conv.kernel.map((k, i) => (k - 1) * conv.dilations[i]!);
  const turnedPads = {
    padsBegin: reach.map((r, i) => r - conv.padsBegin[i]!),
    padsEnd: reach.map((r, i) => r - conv.padsEnd[i]!),
  };
  const turnable =
    conv.strides.every((s) => s === 1) && [...turnedPads.padsBegin, ...turnedPads.padsEnd].every((p) => p >= 0);
  const attributes = convAttributes({ ...conv, ...turnedPads });

  if (turnable && blocked !== undefined && conv.depthwise && conv.kernel.length === 2 && fills(lowering, conv.c)) {
    const filter = blocked.depthwiseFilter(turned(builder, w!, conv), conv.c, conv.kernel);
    return blocked.output(blocked.conv([blocked.input(dY!), filter], attributes), conv.c);
  }
  const pixels = conv.y.reduce((product, size) => product * size, 1);
  if (turnable && conv.group === 1 && (conv.pointwise || pixels >= TURNED_FROM_PIXELS)) {
    const axes = conv.kernel.map((_, i) => i + 2);
    const exchanged = builder.add('Transpose', [turned(builder, w!, conv)], { perm: ints([1, 0, ...axes]) });
    return builder.add('Conv', [dY!, exchanged], attributes);
  }
  // Rows that the last stride never reached have no gradient: ConvTranspose calls them output padding.
  const unreached = conv.x.map(
    (size, i) => size - (conv.strides[i]! * (conv.y[i]! - 1) + reach[i]! + 1 - conv.padsBegin[i]! - conv.padsEnd[i]!),
  );
  return builder.add('ConvTranspose', [dY!, w!], { ...convAttributes(conv), output_padding: ints(unreached) });
}

/** W with every spatial axis reversed. */
function turned(builder: GraphBuilder, w: string, { kernel }: Convolution): string {
  const axes = kernel.flatMap((k, i) => (k > 1 ? [i + 2] : []));
  if (axes.length === 0) return w;
  const all = (value: number): string => builder.ints(axes.map(() => value));
  return builder.add('Slice', [w, all(-1), all(-(2 ** 31)), builder.ints(axes), all(-1)]);
}
