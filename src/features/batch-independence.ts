import type { Graph } from '../onnx/model.ts';

/**
 * Operators of onnxruntime's CPU provider that give an image the same bits whatever else is in its batch, and wherever in
 * it the image stands. The others (`ReduceMean` over space, `Elu`, `Softplus`, `Mish`, `Log` among them) work
 * through the whole batch as one array: which elements go through the vector code, and which through the scalar code at
 * the end of a thread's share, depends on all of it. Measured by the test of this file, on the machine that runs it.
 */
export const BATCH_INDEPENDENT: ReadonlySet<string> = new Set([
  'Add',
  'AveragePool',
  'BatchNormalization',
  'Cast',
  'Clip',
  'Concat',
  'Conv',
  'Div',
  'Dropout',
  'Erf',
  'Flatten',
  'Gather',
  'Gemm',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'HardSigmoid',
  'HardSwish',
  'Identity',
  'LayerNormalization',
  'LeakyRelu',
  'MatMul',
  'Max',
  'MaxPool',
  'Min',
  'Mul',
  'Pad',
  'PRelu',
  'Relu',
  'Reshape',
  'Sigmoid',
  'Slice',
  'Softmax',
  'Split',
  'Squeeze',
  'Sub',
  'Tanh',
  'Transpose',
  'Unsqueeze',
]);

/** Whether the results of an image are the same bits in any batch. */
export function isBatchIndependent({ nodes }: Graph): boolean {
  return nodes.every((node) => node.domain === '' && BATCH_INDEPENDENT.has(node.op));
}

/**
 * Images per run of a trunk: 16, or 1 where the bits of an image's features could depend on what runs beside it. Otherwise what a run
 * finds remembered, or where it was killed, would show in its result.
 */
export function trunkBatch(graph: Graph): number {
  return isBatchIndependent(graph) ? 16 : 1;
}
