/** Works around a fault of onnxruntime (seen in 1.30): running moments that are written over. */
import { graphBuilder } from '../builder.ts';
import { type Graph, int, intOf, type Node } from '../model.ts';

/**
 * Gives every BatchNormalization that trains copies of its running moments. onnxruntime's CPU kernel writes the new moments
 * over the old ones unless the new ones are outputs of the graph: over what the caller feeds, also through `Identity` and
 * `Reshape`, and over constants, so that the next run starts from other ones.
 *
 * A copy of a constant would be a constant too. Its copy depends on a number that is there only when the graph runs.
 */
export function copyMoments(graph: Graph): Graph {
  const trains = (node: Node): boolean =>
    node.op === 'BatchNormalization' && node.domain === '' && intOf(node, 'training_mode', 0) === 1;
  if (!graph.nodes.some(trains)) return graph;
  const builder = graphBuilder({ nodes: [], initializers: graph.initializers, inputs: graph.inputs });
  for (const node of graph.nodes) for (const name of [node.name, ...node.outputs]) builder.reserve(name);
  const fed = new Set(graph.inputs.map((v) => v.name));
  for (const node of graph.nodes) {
    if (!trains(node)) {
      builder.push(node);
      continue;
    }
    const name = 'moments';
    const [x = '', scale = '', bias = '', ...moments] = node.inputs;
    const copies = moments.map((moment) => {
      if (fed.has(moment) || !graph.initializers.has(moment))
        return builder.add('Concat', [moment], { axis: int(0) }, { name });
      const flat = builder.add('Reshape', [x, builder.ints([-1])], {}, { name });
      const one = builder.add(
        'IsNaN',
        [builder.add('Slice', [flat, builder.ints([0]), builder.ints([1])])],
        {},
        { name },
      );
      return builder.add('Where', [one, moment, moment], {}, { name });
    });
    builder.push({ ...node, inputs: [x, scale, bias, ...copies] });
  }
  return builder.graph(graph.inputs, graph.outputs);
}
