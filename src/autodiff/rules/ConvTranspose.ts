import { type Attributes, int, intOf, ints } from '../../onnx/model.ts';
import { convTransposeGeometry } from '../../onnx/shapes/geometry.ts';
import { CONV_TRANSPOSE_INPUT_GRAD, CONV_WEIGHT_GRAD, NEVUS_DOMAIN } from '../lower/operators.ts';
import type { Rule } from '../rule.ts';
import { pad } from './spread.ts';

/**
 * Y = ConvTranspose(X, W, B), the input gradient of the convolution that takes Y to X by the filters W. So dX = Conv(dY, W),
 * and dW is that convolution's weight gradient with dY as its input and X as the gradient of its output. dB = Σ_{n, h, w} dY.
 *
 * Both are internal operators, for which `lower` chooses a form.
 */
export const ConvTranspose: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [x, w] = node.inputs;
  const xDims = shape(x!);
  const wDims = shape(w!);
  const yDims = shape(node.outputs[0]!);
  const { kernel, strides, dilations, pads } = convTransposeGeometry(node, xDims, wDims.slice(2));
  const rank = kernel.length;
  // Rows that no element of X reaches (output padding) may hold another step of the convolution: they are cut off.
  const reached = xDims.slice(2).map((size, i) => strides[i]! * (size - 1) + dilations[i]! * (kernel[i]! - 1) + 1);
  const cut = reached.map((size, i) => Math.min(0, size - pads[i]! - yDims[i + 2]!));
  const ends = reached.map((size, i) => Math.max(0, size - pads[i]! - yDims[i + 2]!));
  const usedDims = yDims.map((d, i) => (i < 2 ? d : d + cut[i - 2]!));
  const used = pad(
    builder,
    dOutputs[0]!,
    yDims.map(() => 0),
    [0, 0, ...cut],
  );
  const attributes: Attributes = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints([...pads.slice(0, rank), ...ends]),
    group: int(intOf(node, 'group', 1)),
    x_dims: ints(usedDims),
    w_dims: ints(wDims),
    y_dims: ints(xDims),
  };
  const spatial = kernel.map((_, i) => i + 2);
  return [
    needs[0] ? builder.add(CONV_TRANSPOSE_INPUT_GRAD, [used, w!], attributes, { domain: NEVUS_DOMAIN }) : undefined,
    needs[1] ? builder.add(CONV_WEIGHT_GRAD, [used, x!], attributes, { domain: NEVUS_DOMAIN }) : undefined,
    needs[2]
      ? builder.add('ReduceSum', [dOutputs[0]!, builder.ints([0, ...spatial])], { keepdims: int(0) })
      : undefined,
  ];
};
