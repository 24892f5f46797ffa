import { type Attributes, float32, int, int64, string, type Tensor } from '../../../../src/onnx/model.ts';
import { type Cases, spaced, uniform } from './values.ts';

const x = uniform([2, 3, 4], 1);
const int32 = (data: readonly number[]): Tensor => ({
  dtype: 'int32',
  dims: [data.length],
  data: Int32Array.from(data),
});
const add = { reduction: string('add') };
const top = (name: string, dims: readonly number[], k: number, attributes: Attributes = {}) => ({
  name,
  inputs: [spaced(dims), int64([k])],
  outputs: 2,
  attributes,
});

/** Operators that pick elements by number, or write to them. */
export const indexing = {
  Gather: [
    { name: 'rows, one twice', inputs: [x, int64([1, 0, 1])] },
    { name: 'middle axis, negative', inputs: [x, int64([-1, 0, 2, 2], [2, 2])], attributes: { axis: int(1) } },
    { name: 'last axis, one index', inputs: [x, int64([3], [])], attributes: { axis: int(-1) } },
    { name: 'indices that are fed', inputs: [x, int64([1, 1])], fed: [1] },
    { name: 'indices of 32 bits', inputs: [x, int32([1, -2, 1])] },
  ],
  GatherElements: [
    { name: 'classes', inputs: [uniform([3, 4]), int64([2, 0, 0], [3, 1])], attributes: { axis: int(1) } },
    { name: 'one twice', inputs: [uniform([3, 2]), int64([1, -2, 1, 2], [2, 2])] },
  ],
  GatherND: [
    { name: 'elements, one twice', inputs: [uniform([2, 3]), int64([0, 1, 1, -1, 0, 1], [3, 2])] },
    { name: 'rows', inputs: [x, int64([1, 0, 0, 2], [2, 2])] },
    { name: 'a grid of rows', inputs: [uniform([3, 2]), int64([2, 0, 0, 1], [2, 2, 1])] },
    { name: 'per batch', inputs: [x, int64([2, 0], [2, 1])], attributes: { batch_dims: int(1) } },
    {
      name: 'per batch of two axes, elements',
      inputs: [x, int64([3, 0, -1, 1, 1, 2], [2, 3, 1, 1])],
      attributes: { batch_dims: int(2) },
    },
    {
      name: 'per batch, indices that are fed',
      inputs: [x, int64([2, 0, 1, 1], [2, 2, 1])],
      attributes: { batch_dims: int(1) },
      fed: [1],
    },
  ],
  ScatterElements: [
    { name: 'written', inputs: [uniform([3, 3], 1), int64([2, 0, 1, 1, 2, 0], [2, 3]), uniform([2, 3], 2)] },
    {
      name: 'written, last axis, negative',
      inputs: [uniform([2, 4], 1), int64([-1, 0, 2, 1], [2, 2]), uniform([2, 2], 2)],
      attributes: { axis: int(-1) },
    },
    {
      name: 'added, one twice',
      inputs: [uniform([2, 3], 1), int64([1, 1, 0, 2], [2, 2]), uniform([2, 2], 2)],
      attributes: { axis: int(1), ...add },
    },
  ],
  ScatterND: [
    { name: 'elements written', inputs: [uniform([3, 3], 1), int64([0, 1, 2, 2], [2, 2]), uniform([2], 2)] },
    { name: 'rows written', inputs: [uniform([4, 2, 3], 1), int64([3, 1], [2, 1]), uniform([2, 2, 3], 2)] },
    {
      name: 'rows added, one twice',
      inputs: [uniform([4, 2], 1), int64([3, 1, 3], [3, 1]), uniform([3, 2], 2)],
      attributes: add,
    },
    {
      name: 'rows written, indices that are fed',
      inputs: [uniform([4, 2], 1), int64([-1, 1], [2, 1]), uniform([2, 2], 2)],
      fed: [1],
    },
  ],
  TopK: [
    top('largest of the last axis', [3, 5], 2),
    top('smallest of the first axis', [4, 3], 3, { axis: int(0), largest: int(0) }),
    top('in any order', [2, 4, 3], 2, { axis: int(1), sorted: int(0) }),
    top('all', [3, 1], 1),
  ],
  OneHot: [
    { name: 'labels', inputs: [int64([2, 0, 1]), int64([4], []), float32([0.1, 0.9], [2])] },
    {
      name: 'classes first',
      inputs: [int64([1, 0, 2, -1], [2, 2]), int64([3], []), float32([-1, 2], [2])],
      attributes: { axis: int(0) },
    },
  ],
} satisfies Record<string, Cases>;
