/** Leaves out what no output needs. */
import type { Graph, Node } from '../model.ts';
import { producersOf, usedInitializers } from './uses.ts';

/** The nodes that some tensors depend on, in order. */
export function nodesFor(graph: Pick<Graph, 'nodes'>, names: Iterable<string>): Node[] {
  const producers = producersOf(graph);
  const needed = new Set<Node>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producers.get(name);
    if (node === undefined || needed.has(node)) continue;
    needed.add(node);
    open.push(...node.inputs);
  }
  return graph.nodes.filter((node) => needed.has(node));
}

/**
 * The graph without nodes that no output depends on, and without the constants and inputs that nothing reads then.
 *
 * @param keepInputs inputs that stay whether they are read or not
 */
export function prune(graph: Graph, keepInputs: ReadonlySet<string> = new Set()): Graph {
  const outputs = graph.outputs.map((o) => o.name);
  const nodes = nodesFor(graph, outputs);
  const read = new Set([...outputs, ...nodes.flatMap((n) => n.inputs)]);
  const inputs = graph.inputs.filter(({ name }) => read.has(name) || keepInputs.has(name));
  const result = { ...graph, nodes, inputs };
  return { ...result, initializers: usedInitializers(result) };
}
