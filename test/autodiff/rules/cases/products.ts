import { float, int, string } from '../../../../src/onnx/model.ts';
import { type Cases, uniform } from './values.ts';

const gemm = (name: string, transA: number, transB: number, c?: readonly number[], alpha = 1, beta = 1) => ({
  name,
  inputs: [
    uniform(transA ? [3, 2] : [2, 3], 1),
    uniform(transB ? [4, 3] : [3, 4], 2),
    ...(c === undefined ? [] : [uniform(c, 3)]),
  ],
  attributes: { transA: int(transA), transB: int(transB), alpha: float(alpha), beta: float(beta) },
});

const einsum = (equation: string, ...shapes: readonly (readonly number[])[]) => ({
  name: `${equation} of ${shapes.map((dims) => `[${dims.join(', ')}]`).join(', ')}`,
  inputs: shapes.map((dims, i) => uniform(dims, i + 1)),
  attributes: { equation: string(equation) },
});

/** Products of matrices and tensors. */
export const products = {
  Gemm: [
    gemm('plain', 0, 0),
    gemm('transA', 1, 0, [4]),
    gemm('transB, bias', 0, 1, [4]),
    gemm('both, α and β', 1, 1, [2, 4], 0.5, -2),
    gemm('bias column', 0, 1, [2, 1], 1, 0.3),
    gemm('bias of one element', 0, 0, [1]),
    gemm('scalar bias', 0, 0, []),
  ],
  MatMul: [
    { name: 'matrices', inputs: [uniform([2, 3], 1), uniform([3, 4], 2)] },
    { name: 'batch', inputs: [uniform([2, 2, 3], 1), uniform([2, 3, 2], 2)] },
    { name: 'batch by one matrix', inputs: [uniform([2, 2, 2, 3], 1), uniform([3, 4], 2)] },
    { name: 'one matrix by a batch', inputs: [uniform([2, 3], 1), uniform([2, 3, 2], 2)] },
    { name: 'batches that broadcast', inputs: [uniform([2, 1, 2, 3], 1), uniform([3, 3, 2], 2)] },
    { name: 'row by matrix', inputs: [uniform([3], 1), uniform([3, 4], 2)] },
    { name: 'row by batch', inputs: [uniform([3], 1), uniform([2, 3, 4], 2)] },
    { name: 'matrix by column', inputs: [uniform([2, 3], 1), uniform([3], 2)] },
    { name: 'batch by column', inputs: [uniform([2, 2, 3], 1), uniform([3], 2)] },
    { name: 'row by column', inputs: [uniform([3], 1), uniform([3], 2)] },
  ],
  Einsum: [
    einsum('ij,jk->ik', [2, 3], [3, 4]),
    einsum('bij,bjk->bik', [2, 2, 3], [2, 3, 2]),
    einsum('i,j->ij', [3], [2]),
    einsum('i,i->', [4], [4]),
    einsum('ij,ij->j', [2, 3], [2, 3]),
    einsum('bhqd,bhkd->bhqk', [1, 2, 2, 3], [1, 2, 4, 3]),
    einsum('...ij,jk', [2, 2, 2, 3], [3, 2]),
    einsum('...ij, ...jk -> ...ik', [2, 1, 2, 3], [2, 1, 3, 2]),
    einsum('ij,jk', [2, 3], [3, 4]),
    einsum('Ba,aA->AB', [2, 3], [3, 2]),
    einsum('ij,jk,kl->il', [2, 3], [3, 2], [2, 3]),
    // One operand.
    einsum('ij->ji', [2, 3]),
    einsum('ijk->k', [2, 3, 2]),
    einsum('ij->', [2, 3]),
    einsum('i...->...', [2, 3, 2]),
    // Labels that one operand alone has, diagonals, and sizes 1 that are repeated.
    einsum('ijm,jk->ik', [2, 3, 2], [3, 2]),
    einsum('ii->i', [3, 3]),
    einsum('ii->', [3, 3]),
    einsum('bii,i->b', [2, 3, 3], [3]),
    einsum('iii->i', [2, 2, 2]),
    einsum('ij,ij->ij', [1, 3], [2, 3]),
    einsum('ij,j->i', [2, 3], [1]),
    einsum(',i->i', [], [3]),
  ],
} satisfies Record<string, Cases>;
