/** Moves over whole axes: matrix products, reductions, softmax, normalisation by layer. */
import type { Fields } from './description.ts';
import { anyAxis, type Move, type Moves, mixed, narrower, small, someAxes } from './move.ts';

/** Half-width of uniform weights that keep the variance, for sums of `fan` terms. */
const width = (fan: number): number => Number(Math.sqrt(3 / fan).toFixed(3));

const MatMul: Move = (d, x) => {
  const rank = x.dims.length;
  if (rank === 0) return undefined;
  const inner = x.dims[rank - 1]!;
  const batch = x.dims.slice(0, -2);
  const limit = width(inner);
  const other = d.pick([[inner], [inner, d.int(1, 5)], [inner, d.int(1, 5)], [...mixed(d, batch), inner, d.int(1, 4)]]);
  if (rank === 1 && other.length === 1 && d.chance(0.7)) return undefined;
  // onnxruntime 1.30 multiplies a transposed matrix with a vector as if it were not transposed (its MatmulTransposeFusion).
  if (other.length === 1 && d.maker(x) === 'Transpose') return undefined;
  if (d.chance(0.3) && rank > 1) {
    // From the left.
    const rows = x.dims[rank - 2]!;
    const left = d.pick([[rows], [d.int(1, 4), rows], [...narrower(d, batch), d.int(1, 4), rows]]);
    const y = d.one('MatMul', [d.weight(left, -width(rows), width(rows)).name, x.name]);
    return small(y.dims) ? [y] : undefined;
  }
  const dims = [...x.dims.slice(0, -1), other.at(-1)!];
  return small([...other.slice(0, -2), ...dims])
    ? [d.one('MatMul', [x.name, d.weight(other, -limit, limit).name])]
    : undefined;
};

/** X Xᵀ, or with another tensor of the graph. */
const MatMulLive: Move = (d, x) => {
  const rank = x.dims.length;
  if (rank < 2) return undefined;
  const fits = d.live.filter(
    (y) =>
      y.dims.length >= 2 &&
      y.dims.at(-2) === x.dims.at(-1) &&
      (y.dims.length === 2 || y.dims.slice(0, -2).join() === x.dims.slice(0, -2).join()),
  );
  const scale = d.scalar(Number((1 / Math.sqrt(x.dims.at(-1)!)).toFixed(4)));
  const perm = [...x.dims.keys()].toSpliced(rank - 2, 2, rank - 1, rank - 2);
  const y = fits.length > 0 && d.chance(0.7) ? d.pick(fits) : d.one('Transpose', [x.name], { perm });
  if (!small([...x.dims.slice(0, -1), y.dims.at(-1)!])) return undefined;
  return [d.one('Mul', [d.one('MatMul', [x.name, y.name]).name, scale])];
};

const Gemm: Move = (d, x) => {
  const flat = x.dims.length === 2 ? x : d.one('Flatten', [x.name], { axis: Math.min(1, x.dims.length) });
  const [transA, transB] = [d.int(0, 1), d.int(0, 1)];
  const [rows, inner] = transA === 1 ? [flat.dims[1]!, flat.dims[0]!] : [flat.dims[0]!, flat.dims[1]!];
  const columns = d.int(1, 5);
  if (!small([rows, columns])) return undefined;
  const b = d.weight(transB === 1 ? [columns, inner] : [inner, columns], -width(inner), width(inner));
  const c = d.chance(0.8)
    ? [d.weight(d.pick([[columns], [rows, columns], [1, columns], [rows, 1], [1], []]), -1, 1).name]
    : [];
  const fields: Fields = {
    ...(transA === 1 || d.chance(0.5) ? { transA } : {}),
    ...(transB === 1 || d.chance(0.5) ? { transB } : {}),
    ...(d.chance(0.4) ? { alpha: { float: 0.75 } } : {}),
    ...(d.chance(0.4) ? { beta: { float: 1.25 } } : {}),
  };
  return [d.one('Gemm', [flat.name, b.name, ...c], fields)];
};

/** Axes as an input, or none of them. */
function reduce(op: string): Move {
  return (d, x) => {
    const rank = x.dims.length;
    const keep: Fields = d.chance(0.5) ? { keepdims: 0 } : d.chance(0.5) ? { keepdims: 1 } : {};
    if (d.chance(0.1)) return [d.one(op, [x.name], d.chance(0.3) ? { ...keep, noop_with_empty_axes: 1 } : keep)];
    if (rank === 0) return undefined;
    return [d.one(op, [x.name, d.ints(someAxes(d, rank))], keep)];
  };
}

function along(op: string): Move {
  return (d, x) => {
    if (x.dims.length === 0) return undefined;
    const axis = anyAxis(d, x.dims.length);
    const defaulted = d.chance(0.3);
    const size = x.dims.at(defaulted ? -1 : axis)!;
    return size > 1 ? [d.one(op, [x.name], defaulted ? {} : { axis })] : undefined;
  };
}

const LayerNormalization: Move = (d, x) => {
  const rank = x.dims.length;
  if (rank === 0) return undefined;
  const axis = d.chance(0.5) ? rank - 1 : d.int(Math.max(0, rank - 3), rank - 1);
  const dims = x.dims.slice(axis);
  if (dims.reduce((a, b) => a * b, 1) < 3) return undefined;
  const bias = d.chance(0.7) ? [d.weight(dims, -0.4, 0.4).name] : [];
  const fields: Fields = {
    ...(axis === rank - 1 && d.chance(0.5) ? {} : { axis: d.chance(0.5) ? axis : axis - rank }),
    ...(d.chance(0.5) ? { epsilon: { float: 0.01 } } : {}),
  };
  return [d.one('LayerNormalization', [x.name, d.weight(dims, 0.5, 1.5).name, ...bias], fields)];
};

export const products: Moves = {
  MatMul,
  MatMulLive,
  Gemm,
  LayerNormalization,
  Softmax: along('Softmax'),
  LogSoftmax: along('LogSoftmax'),
};

export const reductions: Moves = {
  ReduceMean: reduce('ReduceMean'),
  ReduceSum: reduce('ReduceSum'),
  ReduceMax: reduce('ReduceMax'),
  ReduceMin: reduce('ReduceMin'),
  ReduceL2: reduce('ReduceL2'),
  ReduceSumSquare: reduce('ReduceSumSquare'),
};
