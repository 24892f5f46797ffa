import { intOf } from '../model.ts';
import { inputOf, mismatch, type ShapeRule, show } from './context.ts';
import { Einsum } from './einsum.ts';
import { broadcastDims } from './elementwise.ts';

const Gemm: ShapeRule = (c) => {
  const a = inputOf(c, 0);
  const b = inputOf(c, 1);
  const [m, k] = intOf(c.node, 'transA', 0) === 1 ? [a.dims[1]!, a.dims[0]!] : [a.dims[0]!, a.dims[1]!];
  const [kb, n] = intOf(c.node, 'transB', 0) === 1 ? [b.dims[1]!, b.dims[0]!] : [b.dims[0]!, b.dims[1]!];
  if (a.dims.length !== 2 || b.dims.length !== 2 || k !== kb)
    throw mismatch(c, 'matrices with one inner size', `${show(a.dims)} and ${show(b.dims)}`);
  const bias = c.inputs[2];
  if (bias !== undefined && broadcastDims([bias.dims, [m, n]])?.join() !== `${m},${n}`)
    throw mismatch(c, `a C that broadcasts to [${m}, ${n}]`, show(bias.dims));
  return [{ dtype: a.dtype, dims: [m, n] }];
};

/**
 * [batch…, M, K] · [batch…, K, N] → [batch…, M, N], where the batch axes broadcast. A 1-D operand is a row on the left and
 * a column on the right, and its axis is dropped from the output.
 */
const MatMul: ShapeRule = (c) => {
  const a = inputOf(c, 0);
  const b = inputOf(c, 1);
  const left = a.dims.length === 1 ? [1, ...a.dims] : a.dims;
  const right = b.dims.length === 1 ? [...b.dims, 1] : b.dims;
  const batch = broadcastDims([left.slice(0, -2), right.slice(0, -2)]);
  if (left.length < 2 || right.length < 2 || left.at(-1) !== right.at(-2) || batch === undefined)
    throw mismatch(c, 'matrices with one inner size', `${show(a.dims)} and ${show(b.dims)}`);
  const rows = a.dims.length === 1 ? [] : [left.at(-2)!];
  const columns = b.dims.length === 1 ? [] : [right.at(-1)!];
  return [{ dtype: a.dtype, dims: [...batch, ...rows, ...columns] }];
};

export const matrixProducts = { Gemm, MatMul, Einsum } satisfies Record<string, ShapeRule>;
