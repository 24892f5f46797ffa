/** Removes nodes that do nothing at inference: `Identity`, and `Dropout` that is not told to train. */
import { type Graph, intOf, type Node } from '../model.ts';
import { usedInitializers } from './uses.ts';

/**
 * The same graph without `Identity` and inference `Dropout`. Graph outputs keep their names: where such a node makes
 * one, the node before it is made to write that name, unless its own result is an input, a constant or an output.
 */
export function removeIdentities(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const fixed = new Set([...outputs, ...graph.inputs.map((i) => i.name), ...graph.initializers.keys()]);
  const read = new Set(graph.nodes.flatMap((n) => n.inputs));
  const renamed = new Map<string, string>();
  const rename = (name: string): string => renamed.get(name) ?? name;

  // Forwards: what reads the result of an identity reads its source.
  const kept: Node[] = [];
  const moved = new Map<string, string>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(rename);
    const [from, to] = [inputs[0], node.outputs[0]];
    if (
      from !== undefined &&
      to !== undefined &&
      doesNothing(node, graph, (name) => read.has(name) || outputs.has(name))
    ) {
      if (!outputs.has(to)) {
        renamed.set(to, from);
        continue;
      }
      if (!fixed.has(from) && !moved.has(from)) {
        moved.set(from, to);
        continue;
      }
    }
    kept.push({ ...node, inputs });
  }
  // Backwards: a source that became an output is called so everywhere.
  const final = (name: string): string => moved.get(name) ?? name;
  const nodes = kept.map((n): Node => ({ ...n, inputs: n.inputs.map(final), outputs: n.outputs.map(final) }));
  const result = { ...graph, nodes };
  return { ...result, initializers: usedInitializers(result) };
}

function doesNothing(node: Node, graph: Graph, isUsed: (name: string) => boolean): boolean {
  if (node.domain !== '') return false;
  if (node.op === 'Identity') return true;
  if (node.op !== 'Dropout') return false;
  const [, mask] = node.outputs;
  if (mask !== undefined && mask !== '' && isUsed(mask)) return false;
  const training = node.inputs[2];
  if (training === undefined || training === '') return intOf(node, 'is_test', 1) === 1;
  const value = graph.initializers.get(training);
  return value !== undefined && Number(value.data[0]) === 0;
}
