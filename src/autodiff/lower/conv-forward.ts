import type { Node } from '../../onnx/model.ts';
import { type Convolution, convAttributes } from './convolution.ts';
import { fills, type Lowering } from './lowering.ts';

/**
 * A convolution whose weights vary. onnxruntime runs these well in NCHW except one filter per channel, which its
 * blocked kernels do 2 to 6 times as fast.
 *
 * @returns the result, or undefined to leave the node as it is
 */
export function convForward(lowering: Lowering, node: Node, conv: Convolution): string | undefined {
  const { blocked } = lowering;
  if (blocked === undefined || !conv.depthwise || conv.kernel.length !== 2 || !fills(lowering, conv.c))
    return undefined;
  const [x, w, bias] = node.inputs;
  const inputs = [blocked.input(x!), blocked.depthwiseFilter(w!, conv.c, conv.kernel)];
  if (bias !== undefined && bias !== '') inputs.push(bias);
  return blocked.output(blocked.conv(inputs, convAttributes(conv)), conv.o);
}
