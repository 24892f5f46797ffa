/** Small networks with a loss, as files have them: free batch, weights as initializers. */
import { rngOf } from '../../src/core/rng.ts';
import { type GraphBuilder, graphBuilder } from '../../src/onnx/builder.ts';
import {
  float,
  float32,
  type Graph,
  int,
  ints,
  type Model,
  sizeOf,
  type Tensor,
  type ValueInfo,
} from '../../src/onnx/model.ts';

export function random(name: string, dims: readonly number[], low = -1, high = 1): Tensor {
  const rng = rngOf(3, name);
  return float32(
    Float32Array.from({ length: sizeOf(dims) }, () => rng.uniform(low, high)),
    dims,
  );
}

export const modelOf = (graph: Graph, opset = 18): Model => ({
  graph,
  opset,
  domains: {},
  irVersion: 8,
  producer: 'test',
  metadata: { made: 'here' },
});

export const info = (name: string, dims: ValueInfo['dims'], dtype: ValueInfo['dtype'] = 'float32'): ValueInfo => ({
  name,
  dtype,
  dims,
});

/** A builder for a graph with some inputs, with weights by name. */
export function drafting(inputs: readonly ValueInfo[]) {
  const b = graphBuilder({ nodes: [], initializers: new Map(), inputs });
  return { b, weight: (name: string, dims: readonly number[]): string => b.constant(random(name, dims), name) };
}

/** loss = mean of the squares of what is not yet one number. */
export function meanSquare(b: GraphBuilder, x: string, output = 'loss'): void {
  b.add('ReduceMean', [b.add('Mul', [x, x])], { keepdims: int(0) }, { output });
}

/**
 * Convolution, normalisation, two poolings, a branch, flattening by the batch's own size, two dense layers, and
 * cross-entropy against one-hot targets: `x` [N, 2, 8, 8] and `targets` [N, 3] → `probabilities`, `loss`.
 */
export function convNet(): Model {
  const inputs = [info('x', ['N', 2, 8, 8]), info('targets', ['N', 3])];
  const { b, weight } = drafting(inputs);
  const conv = b.add('Conv', ['x', weight('conv/w', [4, 2, 3, 3]), weight('conv/b', [4])], {
    pads: ints([1, 1, 1, 1]),
  });
  b.constant(random('bn/variance', [4], 0.5, 1.5), 'bn/variance');
  const norm = b.add(
    'BatchNormalization',
    [conv, weight('bn/gamma', [4]), weight('bn/beta', [4]), weight('bn/mean', [4]), 'bn/variance'],
    { epsilon: float(1e-3) },
  );
  const tanh = b.add('Tanh', [norm]);
  const window = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
  const pooled = b.add('Add', [b.add('MaxPool', [tanh], window), b.add('AveragePool', [tanh], window)]);
  // As exporters write it: the batch is read from the tensor.
  const batch = b.add('Gather', [b.add('Shape', [pooled]), b.ints([0])], { axis: int(0) });
  const flat = b.add('Reshape', [pooled, b.add('Concat', [batch, b.ints([-1])], { axis: int(0) })]);
  const hidden = b.add('Sigmoid', [b.add('Gemm', [flat, weight('fc/w', [64, 5]), weight('fc/b', [5])])]);
  const logits = b.add('Add', [b.add('MatMul', [hidden, weight('out/w', [5, 3])]), weight('out/b', [3])]);
  b.add('Softmax', [logits], { axis: int(1) }, { output: 'probabilities' });
  const each = b.add('Mul', [b.add('LogSoftmax', [logits], { axis: int(1) }), 'targets']);
  const rows = b.add('ReduceSum', [each, b.ints([1])], { keepdims: int(0) });
  b.add('Neg', [b.add('ReduceMean', [rows], { keepdims: int(0) })], {}, { output: 'loss' });
  return modelOf(b.graph(inputs, [info('probabilities', ['N', 3]), info('loss', [])]));
}
