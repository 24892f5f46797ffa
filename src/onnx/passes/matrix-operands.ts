/** Works around a fault of onnxruntime (seen in 1.30): products of transposed matrices and vectors. */
import { graphBuilder } from '../builder.ts';
import { type Graph, ints, type Node } from '../model.ts';
import type { KnownShapes } from '../shapes/known.ts';

/**
 * `MatMul` with matrices only: a 1-D operand becomes a row on the left, a column on the right, and the axis of size 1 is
 * taken out of the result. onnxruntime fuses `Transpose` into `MatMul`, and the fused node takes the matrix as it was
 * before where the right operand is 1-D: no error, other numbers.
 *
 * @param opset of the graph
 */
export function matrixOperands(graph: Graph, shapes: KnownShapes, opset: number): Graph {
  const isVector = (name: string | undefined): boolean => name !== undefined && shapes.rank(name) === 1;
  const found = (node: Node): boolean => node.op === 'MatMul' && node.domain === '' && node.inputs.some(isVector);
  if (!graph.nodes.some(found)) return graph;
  const builder = graphBuilder({ nodes: [], initializers: graph.initializers, inputs: graph.inputs });
  for (const node of graph.nodes) for (const name of [node.name, ...node.outputs]) builder.reserve(name);
  const withAxes = (op: 'Squeeze' | 'Unsqueeze', x: string, axes: readonly number[], output?: string): string =>
    builder.add(op, opset < 13 ? [x] : [x, builder.ints(axes)], opset < 13 ? { axes: ints(axes) } : {}, {
      name: 'operand',
      ...(output === undefined ? {} : { output }),
    });
  for (const node of graph.nodes) {
    if (!found(node)) {
      builder.push(node);
      continue;
    }
    const [a = '', b = ''] = node.inputs;
    const left = isVector(a) ? withAxes('Unsqueeze', a, [0]) : a;
    const right = isVector(b) ? withAxes('Unsqueeze', b, [1]) : b;
    const product = builder.fresh('product');
    builder.push({ ...node, inputs: [left, right], outputs: [product] });
    withAxes('Squeeze', product, [...(isVector(a) ? [-2] : []), ...(isVector(b) ? [-1] : [])], node.outputs[0]!);
  }
  return builder.graph(graph.inputs, graph.outputs);
}
