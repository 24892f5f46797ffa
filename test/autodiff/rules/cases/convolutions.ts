import { type Attributes, int, ints, string } from '../../../../src/onnx/model.ts';
import { type Cases, uniform } from './values.ts';

/** X, W, and B with one value per output channel. */
const convolution = (
  name: string,
  x: readonly number[],
  w: readonly number[],
  attributes: Attributes = {},
  bias?: number,
) => ({
  name,
  inputs: [uniform(x, 1), uniform(w, 2), ...(bias === undefined ? [] : [uniform([bias], 3)])],
  attributes,
});
const same = (side: 'UPPER' | 'LOWER') => ({ auto_pad: string(`SAME_${side}`) });

/** Convolutions, forward and transposed. Layout NCHW. */
export const convolutions = {
  Conv: [
    { name: '3 × 3 with bias', inputs: [uniform([2, 2, 5, 4], 1), uniform([3, 2, 3, 3], 2), uniform([3], 3)] },
    { name: '1 × 1', inputs: [uniform([2, 3, 3, 2], 1), uniform([4, 3, 1, 1], 2)] },
    {
      name: 'strides, asymmetric pads',
      inputs: [uniform([1, 2, 6, 5], 1), uniform([2, 2, 3, 2], 2)],
      attributes: { strides: ints([2, 1]), pads: ints([1, 0, 0, 1]) },
    },
    {
      name: 'depthwise, SAME_UPPER, stride 2',
      inputs: [uniform([2, 3, 6, 5], 1), uniform([3, 1, 3, 3], 2)],
      attributes: { strides: ints([2, 2]), auto_pad: string('SAME_UPPER'), group: int(3) },
    },
    {
      name: 'groups, dilations',
      inputs: [uniform([1, 4, 6, 6], 1), uniform([2, 2, 2, 3], 2)],
      attributes: { dilations: ints([2, 1]), pads: ints([1, 1, 1, 1]), group: int(2) },
    },
    convolution('SAME_LOWER, even kernel, stride 2', [1, 2, 5, 6], [2, 2, 2, 4], {
      strides: ints([2, 1]),
      ...same('LOWER'),
    }),
    convolution('VALID', [1, 2, 4, 5], [2, 2, 2, 3], { auto_pad: string('VALID'), strides: ints([1, 2]) }),
    convolution('one dimension', [2, 3, 7], [2, 3, 3], { strides: ints([2]), pads: ints([1, 2]) }, 2),
    convolution('one dimension, groups, dilated', [2, 4, 8], [6, 2, 2], { dilations: ints([3]), group: int(2) }),
    convolution('one dimension, SAME_UPPER', [1, 2, 6], [3, 2, 4], { strides: ints([2]), ...same('UPPER') }),
    convolution(
      'a volume',
      [1, 2, 3, 4, 3],
      [2, 2, 2, 3, 2],
      { strides: ints([1, 2, 1]), pads: ints([1, 0, 0, 0, 1, 1]) },
      2,
    ),
    convolution('a volume, depthwise, dilated', [1, 2, 3, 3, 4], [2, 1, 2, 1, 2], {
      dilations: ints([2, 1, 3]),
      group: int(2),
    }),
    convolution('depthwise, two filters per channel', [1, 2, 4, 4], [4, 1, 3, 3], {
      pads: ints([1, 1, 1, 1]),
      group: int(2),
    }),
    convolution('pads beyond the kernel', [1, 1, 3, 3], [2, 1, 2, 2], { pads: ints([3, 2, 2, 3]) }),
    convolution('kernel as large as the image', [2, 3, 3, 2], [2, 3, 3, 2], {}, 2),
    convolution('rest that no window reaches', [1, 1, 7, 8], [1, 1, 2, 2], { strides: ints([3, 3]) }),
    convolution('everything of size 1', [1, 1, 1, 1], [1, 1, 1, 1], {}, 1),
    { ...convolution('operator set 13', [1, 2, 4, 4], [2, 2, 3, 3], { pads: ints([1, 1, 1, 1]) }), opset: 13 },
  ],
  ConvTranspose: [
    convolution('3 × 3 with bias', [2, 2, 3, 4], [2, 3, 3, 3], {}, 3),
    convolution('2 × 2, stride 2, as in U-Net', [2, 3, 2, 3], [3, 2, 2, 2], { strides: ints([2, 2]) }, 2),
    convolution('1 × 1', [1, 3, 2, 2], [3, 2, 1, 1]),
    convolution('asymmetric pads', [1, 2, 4, 3], [2, 2, 3, 3], { strides: ints([2, 1]), pads: ints([1, 0, 2, 1]) }),
    convolution('output_padding', [1, 2, 3, 3], [2, 2, 3, 3], {
      strides: ints([2, 3]),
      pads: ints([1, 1, 1, 1]),
      output_padding: ints([1, 2]),
    }),
    convolution('output_padding beyond the pads', [1, 1, 3, 3], [1, 2, 2, 2], {
      strides: ints([3, 3]),
      output_padding: ints([2, 1]),
    }),
    convolution('groups, dilations', [1, 4, 3, 3], [4, 2, 2, 3], { dilations: ints([2, 1]), group: int(2) }, 4),
    convolution('depthwise, stride 2', [2, 3, 3, 2], [3, 1, 3, 3], { strides: ints([2, 2]), group: int(3) }),
    convolution('output_shape', [1, 2, 3, 4], [2, 2, 3, 3], { strides: ints([2, 2]), output_shape: ints([6, 7]) }),
    convolution('output_shape, SAME_UPPER', [1, 2, 3, 4], [2, 2, 3, 3], {
      strides: ints([2, 2]),
      output_shape: ints([6, 8]),
      ...same('UPPER'),
    }),
    convolution('SAME_UPPER', [1, 2, 3, 4], [2, 1, 3, 3], { strides: ints([2, 1]), ...same('UPPER') }),
    convolution('SAME_LOWER', [1, 2, 3, 4], [2, 1, 4, 3], { strides: ints([1, 2]), ...same('LOWER') }),
    convolution('SAME_UPPER, stride above the kernel', [1, 1, 3, 3], [1, 1, 2, 2], {
      strides: ints([3, 3]),
      ...same('UPPER'),
    }),
    convolution('VALID', [1, 2, 2, 3], [2, 2, 2, 2], { auto_pad: string('VALID') }),
    convolution('one dimension', [2, 2, 4], [2, 3, 3], { strides: ints([2]), pads: ints([1, 0]) }, 3),
    convolution('a volume', [1, 2, 2, 2, 3], [2, 2, 2, 3, 2], {
      strides: ints([1, 2, 1]),
      pads: ints([0, 1, 0, 1, 0, 1]),
    }),
    convolution('everything of size 1', [1, 1, 1, 1], [1, 1, 1, 1], {}, 1),
  ],
} satisfies Record<string, Cases>;
