import { type Attributes, int, int64, ints, string } from '../../../../src/onnx/model.ts';
import { type Cases, spaced, uniform } from './values.ts';

const max = (name: string, dims: readonly number[], attributes: Attributes, outputs = 1, opset = 20) => ({
  name,
  opset,
  inputs: [spaced(dims)],
  attributes,
  outputs,
  // The values are up to ten times as large as elsewhere, and so is their rounding.
  tolerance: 2e-4,
});
const average = (name: string, dims: readonly number[], attributes: Attributes, opset = 20, of = uniform) => ({
  name,
  opset,
  inputs: [of(dims)],
  attributes,
});

/** Pooling. Layout NCHW. */
export const pooling = {
  MaxPool: [
    max('windows that overlap', [2, 2, 5, 5], { kernel_shape: ints([3, 3]), strides: ints([2, 2]) }),
    max('windows that do not', [1, 2, 5, 4], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }),
    max('asymmetric pads', [1, 2, 5, 5], {
      kernel_shape: ints([3, 2]),
      strides: ints([2, 1]),
      pads: ints([0, 1, 1, 0]),
    }),
    max('SAME_UPPER', [1, 2, 5, 4], {
      kernel_shape: ints([3, 3]),
      strides: ints([2, 2]),
      auto_pad: string('SAME_UPPER'),
    }),
    max('ceil_mode', [1, 1, 6, 6], { kernel_shape: ints([3, 3]), strides: ints([2, 2]), ceil_mode: int(1) }),
    max('dilations', [1, 1, 6, 6], { kernel_shape: ints([2, 3]), dilations: ints([3, 2]) }),
    max('indices put out already', [2, 2, 4, 4], { kernel_shape: ints([2, 2]) }, 2),
    max('column-major indices', [2, 2, 4, 3], { kernel_shape: ints([2, 2]), storage_order: int(1) }, 2),
    max('SAME_LOWER', [1, 2, 5, 4], {
      kernel_shape: ints([2, 3]),
      strides: ints([2, 2]),
      auto_pad: string('SAME_LOWER'),
    }),
    max('VALID', [1, 1, 5, 4], { kernel_shape: ints([2, 2]), auto_pad: string('VALID') }),
    max('ceil_mode with pads', [1, 1, 6, 7], {
      kernel_shape: ints([3, 3]),
      strides: ints([2, 2]),
      pads: ints([1, 0, 0, 1]),
      ceil_mode: int(1),
    }),
    max('a volume', [1, 2, 3, 4, 3], {
      kernel_shape: ints([2, 2, 2]),
      strides: ints([1, 2, 1]),
      pads: ints([1, 0, 0, 0, 1, 1]),
    }),
    max('a volume, dilated', [1, 1, 4, 3, 4], { kernel_shape: ints([2, 1, 2]), dilations: ints([2, 1, 3]) }),
    max('one dimension, dilated, padded', [1, 2, 7], {
      kernel_shape: ints([3]),
      dilations: ints([2]),
      pads: ints([1, 2]),
    }),
    max('one element', [2, 3, 1, 1], { kernel_shape: ints([1, 1]) }),
    max('operator set 13', [1, 2, 4, 4], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }, 1, 13),
    max('one dimension', [2, 2, 7], { kernel_shape: ints([3]), strides: ints([2]) }),
  ],
  AveragePool: [
    average('3 × 3, SAME, stride 1, as in Inception', [2, 2, 4, 5], {
      kernel_shape: ints([3, 3]),
      pads: ints([1, 1, 1, 1]),
    }),
    average('counting the padding', [1, 2, 4, 5], {
      kernel_shape: ints([3, 3]),
      pads: ints([1, 1, 1, 1]),
      count_include_pad: int(1),
    }),
    average('2 × 2, stride 2', [1, 2, 4, 6], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }),
    average('rest at the end', [1, 1, 8, 6], { kernel_shape: ints([2, 2]), strides: ints([3, 4]) }),
    average('asymmetric pads', [1, 1, 5, 5], {
      kernel_shape: ints([3, 2]),
      strides: ints([2, 1]),
      pads: ints([0, 1, 2, 0]),
    }),
    average('SAME_UPPER, stride 2', [1, 2, 5, 4], {
      kernel_shape: ints([3, 3]),
      strides: ints([2, 2]),
      auto_pad: string('SAME_UPPER'),
    }),
    average('ceil_mode', [1, 1, 6, 5], { kernel_shape: ints([3, 2]), strides: ints([2, 2]), ceil_mode: int(1) }),
    average('SAME_LOWER, counting the padding', [1, 2, 5, 4], {
      kernel_shape: ints([2, 3]),
      strides: ints([2, 2]),
      auto_pad: string('SAME_LOWER'),
      count_include_pad: int(1),
    }),
    average('VALID', [1, 1, 5, 4], { kernel_shape: ints([2, 2]), auto_pad: string('VALID') }),
    ...[0, 1].map((include) =>
      average(`ceil_mode with pads, count_include_pad ${include}`, [1, 1, 6, 7], {
        kernel_shape: ints([3, 3]),
        strides: ints([2, 2]),
        pads: ints([1, 0, 0, 1]),
        ceil_mode: int(1),
        count_include_pad: int(include),
      }),
    ),
    ...[0, 1].map((include) =>
      average(`dilated, count_include_pad ${include}`, [1, 2, 6, 5], {
        kernel_shape: ints([2, 3]),
        dilations: ints([3, 2]),
        pads: ints([1, 1, 0, 1]),
        count_include_pad: int(include),
      }),
    ),
    average('a volume', [1, 2, 3, 4, 3], {
      kernel_shape: ints([2, 2, 2]),
      strides: ints([1, 2, 1]),
      pads: ints([1, 0, 0, 0, 1, 1]),
    }),
    average('one element', [2, 3, 1, 1], { kernel_shape: ints([1, 1]) }),
    average('operator set 13', [1, 2, 4, 4], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }, 13),
    average('the whole image', [2, 2, 3, 4], { kernel_shape: ints([3, 4]) }),
    average('one dimension', [2, 2, 7], { kernel_shape: ints([3]), strides: ints([2]), pads: ints([1, 1]) }),
  ],
  LpPool: [
    average('default', [1, 2, 4, 5], { kernel_shape: ints([2, 2]) }),
    average(
      'sums of absolute values',
      [1, 2, 5, 5],
      { kernel_shape: ints([3, 2]), strides: ints([2, 2]), p: int(1) },
      18,
      spaced,
    ),
    average(
      'p 3, pads',
      [1, 1, 5, 4],
      {
        kernel_shape: ints([3, 3]),
        strides: ints([2, 1]),
        pads: ints([1, 0, 1, 1]),
        p: int(3),
      },
      18,
      spaced,
    ),
    average('dilated', [1, 1, 6, 5], { kernel_shape: ints([2, 2]), dilations: ints([3, 2]) }),
    average('ceil_mode', [1, 1, 6, 5], { kernel_shape: ints([3, 2]), strides: ints([2, 2]), ceil_mode: int(1) }),
    average('SAME_UPPER', [1, 1, 5, 4], {
      kernel_shape: ints([3, 2]),
      strides: ints([2, 2]),
      auto_pad: string('SAME_UPPER'),
    }),
    average('one dimension, operator set 13', [2, 2, 7], { kernel_shape: ints([3]), strides: ints([2]) }, 13),
  ],
  GlobalLpPool: [
    average('default', [2, 3, 3, 4], {}),
    average('sums of absolute values', [2, 2, 5], { p: int(1) }, 20, spaced),
    average('p 3', [1, 2, 2, 3], { p: int(3) }),
  ],
  MaxUnpool: [
    {
      name: 'windows side by side',
      inputs: [uniform([1, 2, 2, 2]), int64([0, 3, 9, 15, 16, 19, 24, 30], [1, 2, 2, 2])],
      attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    },
    {
      name: 'a sequence',
      inputs: [uniform([1, 1, 3]), int64([1, 2, 5], [1, 1, 3])],
      attributes: { kernel_shape: ints([2]), strides: ints([2]) },
    },
  ],
  GlobalAveragePool: [
    { name: 'images', inputs: [uniform([2, 3, 3, 4])] },
    { name: 'sequences', inputs: [uniform([2, 3, 4])] },
    { name: 'volumes of one element', inputs: [uniform([2, 3, 1, 1, 1])] },
  ],
  GlobalMaxPool: [
    { name: 'images', inputs: [spaced([2, 3, 3, 4])], tolerance: 2e-4 },
    { name: 'sequences', inputs: [spaced([2, 2, 4])] },
  ],
} satisfies Record<string, Cases>;
