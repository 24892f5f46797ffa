/** Who makes and who reads each tensor. */
import type { Graph, Node } from '../model.ts';

/** The node that makes each tensor. Graph inputs and initializers have none. */
export function producersOf(graph: Pick<Graph, 'nodes'>): Map<string, Node> {
  const producers = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) if (output !== '') producers.set(output, node);
  return producers;
}

/** The nodes that read each tensor, in order; a node that reads it twice is there once. */
export function consumersOf(graph: Pick<Graph, 'nodes'>): Map<string, Node[]> {
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) {
      if (input === '') continue;
      const known = consumers.get(input);
      if (known === undefined) consumers.set(input, [node]);
      else known.push(node);
    }
  }
  return consumers;
}

/** Only the initializers that a node reads or that are outputs. */
export function usedInitializers(graph: Graph): Graph['initializers'] {
  const used = new Set([...graph.nodes.flatMap((n) => n.inputs), ...graph.outputs.map((o) => o.name)]);
  return new Map([...graph.initializers].filter(([name]) => used.has(name)));
}
