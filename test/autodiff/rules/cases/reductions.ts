import { type Attributes, float32, int, int64, ints, type Tensor } from '../../../../src/onnx/model.ts';
import { type Cases, spaced, uniform } from './values.ts';

/** ReduceSum takes its axes as an input since operator set 13. */
const AXES_AS_INPUT = new Set(['ReduceSum']);

const over = (op: string, of: (dims: readonly number[]) => Tensor, tolerance?: number): Cases => {
  const one = (name: string, dims: readonly number[], axes?: readonly number[], attributes: Attributes = {}) => ({
    name,
    inputs: [of(dims), ...(axes === undefined ? [] : [int64(axes)])],
    attributes,
    ...(tolerance === undefined ? {} : { tolerance }),
  });
  return [
    one('all axes', [2, 3, 2]),
    one('all axes, dropped', [2, 3], undefined, { keepdims: int(0) }),
    one('spatial axes, dropped', [2, 2, 2, 3], [2, 3], { keepdims: int(0) }),
    one('negative axes out of order', [2, 3, 2], [-1, 0]),
    one('middle axis, dropped', [2, 3, 2], [1], { keepdims: int(0) }),
    one('an axis of size 1', [3, 1], [1]),
    {
      name: 'axes as an attribute, as before operator set 18',
      inputs: [of([2, 3, 2])],
      attributes: AXES_AS_INPUT.has(op) ? { keepdims: int(0) } : { axes: ints([-1, 0]), keepdims: int(0) },
      opset: 13,
      ...(tolerance === undefined ? {} : { tolerance }),
    },
    one('no axes', [2, 3], [], { noop_with_empty_axes: int(1) }),
  ];
};

/** Away from 0, where the norm has a kink. */
const offset = (dims: readonly number[]): Tensor => uniform(dims, 1, 0.6, 1.5);

export const reductions = {
  ReduceSum: over('ReduceSum', uniform),
  ReduceMean: over('ReduceMean', uniform),
  ReduceMax: over('ReduceMax', spaced),
  ReduceMin: over('ReduceMin', spaced),
  ReduceProd: [
    ...over('ReduceProd', offset),
    { name: 'one zero', inputs: [float32([0.7, 0, -1.2, 0.4, 1, -2], [2, 3]), int64([1])] },
    { name: 'two zeros', inputs: [float32([0, 0.5, 0], [3])] },
  ],
  ReduceL1: [...over('ReduceL1', offset), { name: 'both sides of 0', inputs: [spaced([3, 4]), int64([1])] }],
  ReduceLogSum: over('ReduceLogSum', offset),
  ReduceLogSumExp: over('ReduceLogSumExp', uniform),
  ReduceSumSquare: over('ReduceSumSquare', uniform),
  // What "no axes" leaves alone is not defined for the norm: it is |X| in one reading and X in another.
  ReduceL2: [...over('ReduceL2', offset)],
  CumSum: [
    { name: 'rows', inputs: [uniform([3, 4]), int64([1], [])] },
    { name: 'columns, exclusive', inputs: [uniform([3, 4]), int64([0], [])], attributes: { exclusive: int(1) } },
    { name: 'from the end', inputs: [uniform([2, 2, 3]), int64([-2], [])], attributes: { reverse: int(1) } },
    {
      name: 'exclusive from the end',
      inputs: [uniform([5]), int64([0], [])],
      attributes: { reverse: int(1), exclusive: int(1) },
    },
    { name: 'an axis that is fed', inputs: [uniform([3, 2]), int64([1], [])], fed: [1] },
  ],
} satisfies Record<string, Cases>;
