import { type Attributes, int, intOf, ints } from '../../onnx/model.ts';
import { convGeometry } from '../../onnx/shapes/geometry.ts';
import { CONV_INPUT_GRAD, CONV_WEIGHT_GRAD, NEVUS_DOMAIN } from '../lower/operators.ts';
import type { Rule } from '../rule.ts';

/**
 * Y = Conv(X, W, B), any group, stride, dilation and pads.
 *
 * dX and dW are written as two internal operators that name the gradient, not a way to compute it: which form is fast
 * depends on the shape and on the machine, and is chosen by `lower`. dB = Σ_{n, h, w} dY.
 */
export const Conv: Rule = ({ node, dOutputs, needs, builder, shape }) => {
  const [x, w] = node.inputs;
  const dY = dOutputs[0]!;
  const xDims = shape(x!);
  const wDims = shape(w!);
  const { kernel, strides, dilations, pads } = convGeometry(node, xDims, wDims.slice(2));
  const attributes: Attributes = {
    kernel_shape: ints(kernel),
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints(pads),
    group: int(intOf(node, 'group', 1)),
    x_dims: ints(xDims),
    w_dims: ints(wDims),
    y_dims: ints(shape(node.outputs[0]!)),
  };
  const spatial = xDims.slice(2).map((_, i) => i + 2);
  return [
    needs[0] ? builder.add(CONV_INPUT_GRAD, [dY, w!], attributes, { domain: NEVUS_DOMAIN }) : undefined,
    needs[1] ? builder.add(CONV_WEIGHT_GRAD, [x!, dY], attributes, { domain: NEVUS_DOMAIN }) : undefined,
    needs[2] ? builder.add('ReduceSum', [dY, builder.ints([0, ...spatial])], { keepdims: int(0) }) : undefined,
  ];
};
