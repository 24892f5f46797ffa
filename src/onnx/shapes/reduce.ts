import { intOf } from '../model.ts';
import { attributeOrInput, axisOf, inputOf, type ShapeContext, type ShapeRule } from './context.ts';

/**
 * Axes that a reduction runs over, counted from 0 and in order. None given means all, or, with
 * `noop_with_empty_axes`, none.
 */
export function reducedAxes(c: ShapeContext): readonly number[] {
  const rank = inputOf(c, 0).dims.length;
  const axes = attributeOrInput(c, 'axes', 1);
  if (axes === undefined || axes.length === 0)
    return intOf(c.node, 'noop_with_empty_axes', 0) === 1 ? [] : Array.from({ length: rank }, (_, i) => i);
  return axes.map((a) => axisOf(c, a, rank)).sort((a, b) => a - b);
}

const reduce: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const axes = new Set(reducedAxes(c));
  const keep = intOf(c.node, 'keepdims', 1) === 1;
  return [{ dtype, dims: dims.flatMap((d, i) => (!axes.has(i) ? [d] : keep ? [1] : [])) }];
};

const argument: ShapeRule = (c) => {
  const { dims } = inputOf(c, 0);
  const axis = axisOf(c, intOf(c.node, 'axis', 0), dims.length);
  const keep = intOf(c.node, 'keepdims', 1) === 1;
  return [{ dtype: 'int64', dims: dims.flatMap((d, i) => (i !== axis ? [d] : keep ? [1] : [])) }];
};

export const reductions = {
  ReduceMean: reduce,
  ReduceSum: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  ReduceL1: reduce,
  ReduceL2: reduce,
  ReduceSumSquare: reduce,
  ReduceLogSum: reduce,
  ReduceLogSumExp: reduce,
  ArgMax: argument,
  ArgMin: argument,
} satisfies Record<string, ShapeRule>;
