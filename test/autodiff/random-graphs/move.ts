import { sizeOf } from '../../../src/onnx/model.ts';
import { type Draft, LIMIT, type Live } from './draft.ts';

/** Continues a graph from one of its tensors: the new tensors, or undefined where the move does not fit. */
export type Move = (d: Draft, x: Live) => readonly Live[] | undefined;

export type Moves = Readonly<Record<string, Move>>;

/** Whether a tensor is small enough. */
export const small = (dims: readonly number[]): boolean => sizeOf(dims) <= LIMIT && dims.length <= 5;

/** A shape that broadcasts to `dims`: some sizes 1, some leading axes left out. */
export function narrower(d: Draft, dims: readonly number[]): number[] {
  const some = dims.map((size) => (d.chance(0.35) ? 1 : size));
  return d.chance(0.4) ? some.slice(d.int(0, dims.length)) : some;
}

/** A shape to compute with `dims` element by element: narrower, or with more axes, or of larger sizes where `dims` is 1. */
export function mixed(d: Draft, dims: readonly number[]): number[] {
  const wide = dims.map((size) => (size === 1 && d.chance(0.5) ? d.int(2, 3) : size));
  const other = narrower(d, wide);
  return d.chance(0.15) && dims.length < 5 && other.length === dims.length ? [d.int(1, 2), ...other] : other;
}

/** Any axis, counted from the front or from the back. */
export function anyAxis(d: Draft, rank: number): number {
  return d.chance(0.5) ? d.int(0, rank - 1) : d.int(-rank, -1);
}

/** A few distinct axes in any order, counted from the front or from the back. */
export function someAxes(d: Draft, rank: number, atLeast = 1): number[] {
  const axes = Array.from({ length: rank }, (_, i) => i).filter(() => d.chance(0.5));
  while (axes.length < Math.min(atLeast, rank)) {
    const axis = d.int(0, rank - 1);
    if (!axes.includes(axis)) axes.push(axis);
  }
  if (d.chance(0.3)) axes.reverse();
  return axes.map((axis) => (d.chance(0.3) ? axis - rank : axis));
}

/** A tensor computed from x whose values are all at least about 0.3. */
export function positive(d: Draft, x: Live): Live {
  const offset = d.scalar(d.pick([0.4, 0.75]));
  const ways: readonly (() => Live)[] = [
    () => d.one('Add', [d.one('Softplus', [x.name]).name, offset]),
    () => d.one('Exp', [d.one('Tanh', [x.name]).name]),
    () => d.one('Add', [d.one('Mul', [x.name, x.name]).name, offset]),
    () => d.one('Add', [d.one('Abs', [x.name]).name, offset]),
    () => d.one('Sum', [offset, d.one('Sigmoid', [x.name]).name]),
  ];
  return d.pick(ways)();
}
