/** `Constant` nodes, which some exporters write for every weight and shape, become initializers. */
import { ModelError } from '../../core/errors.ts';
import { float32, type Graph, int64, type Node, type Tensor } from '../model.ts';

/** @throws {ModelError} a Constant without a value that nevus reads (strings, sparse tensors) */
export function constantsToInitializers(graph: Graph): Graph {
  const initializers = new Map(graph.initializers);
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const name = node.outputs[0];
    if (node.op !== 'Constant' || node.domain !== '' || name === undefined) nodes.push(node);
    else initializers.set(name, constantOf(node));
  }
  return { ...graph, nodes, initializers };
}

function constantOf(node: Node): Tensor {
  for (const [name, attribute] of Object.entries(node.attributes)) {
    if (name === 'value' && attribute.kind === 'tensor') return attribute.value;
    if (name === 'value_float' && attribute.kind === 'float') return float32([attribute.value], []);
    if (name === 'value_floats' && attribute.kind === 'floats')
      return float32(attribute.value, [attribute.value.length]);
    if (name === 'value_int' && attribute.kind === 'int') return int64([attribute.value], []);
    if (name === 'value_ints' && attribute.kind === 'ints') return int64(attribute.value);
  }
  throw new ModelError(
    'onnx/constant',
    `node ${node.name} (Constant): expected a tensor or numbers, got ${Object.keys(node.attributes).join(', ') || 'nothing'}`,
  );
}
