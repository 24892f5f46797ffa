import { type Attributes, int, ints, string } from '../../../../src/onnx/model.ts';
import { type Cases, spaced, uniform } from './values.ts';

const max = (name: string, dims: readonly number[], attributes: Attributes, outputs = 1) => ({
  name,
  inputs: [spaced(dims)],
  attributes,
  outputs,
  // The values are up to ten times as large as elsewhere, and so is their rounding.
  tolerance: 2e-4,
});
const average = (name: string, dims: readonly number[], attributes: Attributes) => ({
  name,
  inputs: [uniform(dims)],
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
    average('the whole image', [2, 2, 3, 4], { kernel_shape: ints([3, 4]) }),
    average('one dimension', [2, 2, 7], { kernel_shape: ints([3]), strides: ints([2]), pads: ints([1, 1]) }),
  ],
  GlobalAveragePool: [{ name: 'images', inputs: [uniform([2, 3, 3, 4])] }],
  GlobalMaxPool: [{ name: 'images', inputs: [spaced([2, 3, 3, 4])], tolerance: 2e-4 }],
} satisfies Record<string, Cases>;
