import { type Attributes, int, int64, type Tensor } from '../../../../src/onnx/model.ts';
import { type Cases, spaced, uniform } from './values.ts';

const over = (of: (dims: readonly number[]) => Tensor, tolerance?: number): Cases => {
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
    one('no axes', [2, 3], [], { noop_with_empty_axes: int(1) }),
  ];
};

/** Away from 0, where the norm has a kink. */
const offset = (dims: readonly number[]): Tensor => uniform(dims, 1, 0.6, 1.5);

export const reductions = {
  ReduceSum: over(uniform),
  ReduceMean: over(uniform),
  ReduceMax: over(spaced),
  ReduceMin: over(spaced),
  ReduceSumSquare: over(uniform),
  // What "no axes" leaves alone is not defined for the norm: it is |X| in one reading and X in another.
  ReduceL2: [...over(offset)],
} satisfies Record<string, Cases>;
