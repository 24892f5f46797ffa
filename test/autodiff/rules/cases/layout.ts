import { type Attributes, int, int64, ints, scalar, string, type Tensor } from '../../../../src/onnx/model.ts';
import { type Cases, uniform } from './values.ts';

const x = uniform([2, 3, 4], 1);
const bools = (data: readonly number[], dims: readonly number[]): Tensor => ({
  dtype: 'bool',
  dims,
  data: Uint8Array.from(data),
});
const slice = (name: string, dims: readonly number[], ...bounds: readonly (readonly number[])[]) => ({
  name,
  inputs: [uniform(dims), ...bounds.map((b) => int64(b))],
});
const shaped = (name: string, dims: readonly number[], to: readonly number[]) => ({
  name,
  inputs: [uniform(dims), int64(to)],
});
const plain = (name: string, dims: readonly number[], attributes: Attributes = {}) => ({
  name,
  inputs: [uniform(dims)],
  attributes,
});

const margin = (
  mode: string,
  name: string,
  dims: readonly number[],
  pads: readonly number[],
  axes?: readonly number[],
) => ({
  name: `${mode}: ${name}`,
  inputs: [uniform(dims), int64(pads), ...(axes === undefined ? [] : [undefined, int64(axes)])],
  attributes: { mode: string(mode) },
  opset: 19,
});

/** Operators that move elements. */
export const layout = {
  Concat: [
    { name: 'channels', inputs: [x, uniform([2, 1, 4], 2), uniform([2, 2, 4], 3)], attributes: { axis: int(1) } },
    { name: 'one', inputs: [x], attributes: { axis: int(0) } },
    {
      name: 'last axis, one part constant',
      inputs: [x, x, uniform([2, 3, 1], 2)],
      fixed: [1],
      attributes: { axis: int(-1) },
    },
  ],
  Split: [
    { name: 'all parts', inputs: [x, int64([1, 2])], outputs: 2, lossOf: [0, 1], attributes: { axis: int(1) } },
    { name: 'the second part', inputs: [x, int64([1, 3])], outputs: 2, lossOf: [1], attributes: { axis: int(-1) } },
    { name: 'equal parts, operator set 13', inputs: [x], outputs: 2, attributes: { axis: int(2) }, opset: 13 },
    {
      name: 'the last part smaller',
      inputs: [uniform([2, 5])],
      outputs: 3,
      lossOf: [0, 2],
      attributes: { axis: int(1), num_outputs: int(3) },
    },
    { name: 'equal parts', inputs: [x], outputs: 2, lossOf: [0, 1], attributes: { axis: int(2), num_outputs: int(2) } },
  ],
  Slice: [
    slice('leading axes', [4, 5], [1, 0], [3, 4]),
    slice('one axis, to the end', [2, 5, 2], [2], [2 ** 40], [1]),
    slice('negative bounds', [6, 2], [-4], [-1], [0]),
    slice('steps', [7, 5], [1, 0], [7, 5], [0, 1], [2, 3]),
    slice('steps with a rest', [8], [0], [7], [0], [3]),
    slice('backwards', [5, 3], [-1, 2], [-100, 0], [0, -1], [-1, -1]),
    slice('backwards in steps on two axes', [5, 7], [-1, 5], [-100, 0], [0, 1], [-2, -2]),
    slice('one element of an image', [1, 2, 3, 3], [1, 2], [2, 3], [2, 3]),
    slice('backwards in steps', [8], [6], [-100], [0], [-3]),
  ],
  Pad: [
    { name: 'both sides', inputs: [x, int64([0, 1, 2, 1, 0, 3])] },
    { name: 'a value', inputs: [x, int64([0, 1, 2, 1, 0, 3]), scalar(2)], fixed: [2] },
    { name: 'a value that varies', inputs: [x, int64([0, 1, -1, 1, 0, 3]), scalar(2)] },
    ...(['reflect', 'edge', 'wrap'] as const).flatMap((mode) => [
      margin(mode, 'an image', [1, 2, 3, 4], [0, 0, 1, 2, 0, 0, 2, 1]),
      margin(mode, 'cut at one end', [6], [-2, 3]),
      margin(mode, 'cut at the other', [6], [2, -3]),
      margin(mode, 'a cut on one axis only', [3, 5], [0, -1, 1, -2]),
      margin(mode, 'some axes', [2, 3, 4], [1, 2], [-1]),
      margin(mode, 'as much as fits', [1, 4], [0, 3, 0, 3]),
    ]),
    margin('edge', 'one element', [2, 1], [0, 3, 0, 2]),
    { name: 'cutting', inputs: [x, int64([0, -1, 1, 0, 0, -2])] },
    { name: 'some axes', inputs: [x, int64([1, 2]), undefined, int64([-1])] },
  ],
  Reshape: [shaped('−1 and 0', [2, 3, 4], [0, -1]), shaped('to a scalar', [1, 1], [])],
  Flatten: [
    plain('default', [2, 3, 2]),
    plain('axis 0', [2, 3], { axis: int(0) }),
    plain('axis −1', [2, 3, 2], { axis: int(-1) }),
  ],
  Transpose: [
    plain('reversed', [2, 3, 4]),
    plain('a rotation, which is not its own inverse', [2, 3, 4], { perm: ints([2, 0, 1]) }),
  ],
  Squeeze: [shaped('given', [1, 3, 1], [-1]), plain('all', [1, 3, 1])],
  Unsqueeze: [shaped('both ends', [3, 2], [0, -1])],
  Expand: [
    shaped('new axis and size 1', [3, 1], [2, 3, 4]),
    shaped('nothing', [2, 3], [1, 3]),
    shaped('scalar', [], [2]),
  ],
  Tile: [shaped('some axes', [2, 3], [2, 1]), shaped('all axes', [2, 3], [3, 2])],
  DepthToSpace: [
    plain('DCR', [2, 8, 2, 3], { blocksize: int(2) }),
    plain('CRD', [2, 8, 2, 3], { blocksize: int(2), mode: string('CRD') }),
    plain('CRD, block 3', [1, 18, 1, 2], { blocksize: int(3), mode: string('CRD') }),
    plain('block 1', [1, 2, 2, 2], { blocksize: int(1) }),
  ],
  SpaceToDepth: [
    plain('block 2', [2, 2, 4, 6], { blocksize: int(2) }),
    plain('block 3', [1, 2, 3, 6], { blocksize: int(3) }),
  ],
  CenterCropPad: [
    { name: 'larger and smaller by odd numbers', inputs: [uniform([3, 6]), int64([6, 3])] },
    {
      name: 'some axes',
      inputs: [uniform([2, 5, 4]), int64([7, 2])],
      attributes: { axes: ints([-1, 1]) },
    },
  ],
  Trilu: [
    plain('upper', [3, 4]),
    plain('lower, a batch', [2, 4, 3], { upper: int(0) }),
    { name: 'above the diagonal', inputs: [uniform([4, 4]), int64([1], [])] },
    { name: 'lower, below the diagonal', inputs: [uniform([4, 4]), int64([-1], [])], attributes: { upper: int(0) } },
  ],
  ReverseSequence: [
    { name: 'time first', inputs: [uniform([4, 3]), int64([2, 4, 1])] },
    {
      name: 'batch first',
      inputs: [uniform([3, 4, 2]), int64([2, 4, 1])],
      attributes: { batch_axis: int(0), time_axis: int(1) },
    },
  ],
  Where: [
    { name: 'same shape', inputs: [bools([1, 0, 0, 1], [2, 2]), uniform([2, 2], 1), uniform([2, 2], 2)] },
    { name: 'broadcast', inputs: [bools([1, 0, 1], [3]), uniform([2, 1], 1), uniform([], 2)] },
    {
      name: 'condition has most axes',
      inputs: [bools([1, 0, 1, 0], [2, 2]), uniform([2], 1), uniform([1], 2)],
      fed: [0],
    },
  ],
  Identity: [plain('any', [2, 3])],
  Cast: [{ name: 'to the same type', inputs: [x], attributes: { to: int(1) } }],
  CastLike: [{ name: 'like the same type', inputs: [x, uniform([1], 2)], fixed: [1] }],
  Dropout: [
    { name: 'not training', inputs: [x] },
    { name: 'switched off', inputs: [x, scalar(0.5), bools([0], [])], fixed: [1], outputs: 2 },
  ],
} satisfies Record<string, Cases>;
