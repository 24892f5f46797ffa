import { float, int, ints, string } from '../../../../src/onnx/model.ts';
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

/** Matrix products and convolutions. */
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
  Conv: [
    { name: '3 × 3 with bias', inputs: [uniform([2, 2, 5, 4], 1), uniform([3, 2, 3, 3], 2), uniform([3], 3)] },
    { name: '1 × 1', inputs: [uniform([2, 3, 3, 2], 1), uniform([4, 3, 1, 1], 2)] },
    {
      name: 'strides, asymmetric pads',
      inputs: [uniform([1, 2, 6, 5], 1), uniform([2, 2, 3, 2], 2)],
      attributes: { strides: ints([2, 1]), pads: ints([1, 0, 0, 1]) },
    },
    {
      name: 'depthwise, SAME_UPPER, stride 2',
      inputs: [uniform([2, 3, 6, 5], 1), uniform([3, 1, 3, 3], 2)],
      attributes: { strides: ints([2, 2]), auto_pad: string('SAME_UPPER'), group: int(3) },
    },
    {
      name: 'groups, dilations',
      inputs: [uniform([1, 4, 6, 6], 1), uniform([2, 2, 2, 3], 2)],
      attributes: { dilations: ints([2, 1]), pads: ints([1, 1, 1, 1]), group: int(2) },
    },
  ],
} satisfies Record<string, Cases>;
