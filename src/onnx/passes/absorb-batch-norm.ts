/** BatchNormalization with frozen statistics as part of the Conv before it, with its scale and shift still trainable. */

import { graphBuilder } from '../builder.ts';
import { floatOf, type Graph, type Node } from '../model.ts';
import { isInferenceNorm } from './fold-batch-norm.ts';
import { consumersOf } from './uses.ts';

/**
 * Y = BatchNormalization(Conv(X, W), γ, β, μ, σ²) = Conv(X, s·W, β + s·(b − μ)),  s = γ / √(σ² + ε)
 *
 * s·W and the shift are nodes of the graph, on tensors as small as the weights, so gradients reach W, γ and β while no
 * map of the size of an image is touched. Constant parts are folded by onnxruntime.
 */
export function absorbBatchNorm(graph: Graph): Graph {
  const consumers = consumersOf(graph);
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const normOf = new Map<string, Node>();
  for (const node of graph.nodes) {
    if (!isInferenceNorm(node) || outputs.has(node.inputs[0]!)) continue;
    const conv = graph.nodes.find((n) => n.op === 'Conv' && n.domain === '' && n.outputs[0] === node.inputs[0]);
    if (conv !== undefined && consumers.get(node.inputs[0]!)?.length === 1 && graph.initializers.has(conv.inputs[1]!)) {
      normOf.set(conv.name, node);
    }
  }
  const absorbed = new Set([...normOf.values()].map((n) => n.name));
  const builder = graphBuilder({ nodes: [], initializers: graph.initializers, inputs: graph.inputs });
  for (const node of graph.nodes) for (const name of [node.name, ...node.outputs]) builder.reserve(name);
  for (const node of graph.nodes) {
    if (absorbed.has(node.name)) continue;
    const norm = normOf.get(node.name);
    if (norm === undefined) {
      builder.push(node);
      continue;
    }
    const [, gamma, beta, mean, variance] = norm.inputs;
    const [x, w, bias] = node.inputs;
    const add = (op: string, inputs: readonly string[]): string =>
      builder.add(op, inputs, {}, { name: `${node.name}/absorbed` });
    const epsilon = builder.scalar(floatOf(norm, 'epsilon', 1e-5));
    const s = add('Div', [gamma!, add('Sqrt', [add('Add', [variance!, epsilon])])]);
    const rank = graph.initializers.get(w!)?.dims.length ?? 4;
    const perFilter = add('Reshape', [s, builder.ints([-1, ...Array.from({ length: rank - 1 }, () => 1)])]);
    const offset = bias === undefined || bias === '' ? add('Neg', [mean!]) : add('Sub', [bias, mean!]);
    const shift = add('Add', [beta!, add('Mul', [s, offset])]);
    builder.push({ ...node, inputs: [x!, add('Mul', [w!, perFilter]), shift], outputs: [norm.outputs[0]!] });
  }
  return builder.graph(graph.inputs, graph.outputs);
}
