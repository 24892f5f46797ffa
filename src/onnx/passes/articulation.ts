/** Where a graph can be cut in two at a single tensor. */
import type { Graph } from '../model.ts';

/**
 * Tensors through which every path from an input to the outputs passes, in order; the input and the output are
 * among them. Each can stand for everything before it.
 *
 * In a topological order a tensor made at position p is such a point exactly if no other tensor made at or before p is
 * read after p: an edge across p is a way around it.
 *
 * @param from name of the input
 * @param to names of the outputs; with several, points after which their paths part are not included
 */
export function articulationPoints(graph: Pick<Graph, 'nodes'>, from: string, to: readonly string[]): string[] {
  const onPath = between(graph, from, to);
  const lastRead = new Map<string, number>();
  const madeAt = new Map<string, number>(onPath.has(from) ? [[from, -1]] : []);
  graph.nodes.forEach((node, position) => {
    if (!node.outputs.some((o) => onPath.has(o))) return;
    for (const input of node.inputs) if (onPath.has(input)) lastRead.set(input, position);
    for (const output of node.outputs) if (onPath.has(output)) madeAt.set(output, position);
  });
  for (const name of to) if (onPath.has(name)) lastRead.set(name, Number.POSITIVE_INFINITY);

  const points: string[] = [];
  const made = [...madeAt].sort(([, a], [, b]) => a - b);
  let farthest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < made.length; ) {
    const position = made[i]![1];
    const together: string[] = [];
    for (; i < made.length && made[i]![1] === position; i++) together.push(made[i]![0]);
    for (const name of together) {
      const others = together.filter((o) => o !== name).map((o) => lastRead.get(o) ?? position);
      if (Math.max(farthest, ...others) <= position) points.push(name);
    }
    farthest = Math.max(farthest, ...together.map((o) => lastRead.get(o) ?? position));
  }
  return points;
}

/** Tensors that depend on the input and that an output depends on. */
function between(graph: Pick<Graph, 'nodes'>, from: string, to: readonly string[]): Set<string> {
  const after = new Set([from]);
  for (const node of graph.nodes)
    if (node.inputs.some((i) => after.has(i))) for (const o of node.outputs) if (o !== '') after.add(o);
  const before = new Set(to);
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    if (node.outputs.some((o) => before.has(o))) for (const name of node.inputs) before.add(name);
  }
  return new Set([...after].filter((name) => before.has(name)));
}
