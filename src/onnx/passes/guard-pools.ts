/** Works around a fault of onnxruntime (seen in 1.30), which fuses `Pad` into pooling where that is wrong. */
import { type Graph, type Node, scalar, stringOf } from '../model.ts';
import type { KnownShapes } from '../shapes/known.ts';
import { consumersOf, usedInitializers } from './uses.ts';

/** The smallest normal float32: 0 for every purpose, but not equal to it. */
const ALMOST_ZERO = 2 ** -126;
const NAME = 'nevus/almost_zero';
const POOLS = new Set(['MaxPool', 'AveragePool']);

/**
 * Keeps zeros around an image zeros under a pooling. onnxruntime fuses the two nodes into a padded `MaxPool`, whose
 * padding is −∞, so that windows of negative values at the border would give them instead of 0; and it refuses to load
 * a fused pool whose padding is as large as its window. It fuses only a fill of exactly 0: another value stands in.
 */
export function guardPools(graph: Graph, { dtype }: KnownShapes): Graph {
  const consumers = consumersOf(graph);
  const isZero = (name: string | undefined): boolean =>
    name === undefined || name === '' || Number(graph.initializers.get(name)?.data[0]) === 0;
  const guarded = (node: Node): boolean =>
    node.op === 'Pad' &&
    node.domain === '' &&
    // Before operator set 11 pads were an attribute; the fill is of the type of the data.
    (node.inputs[1] ?? '') !== '' &&
    (dtype(node.inputs[0]!) ?? 'float32') === 'float32' &&
    stringOf(node, 'mode', 'constant') === 'constant' &&
    isZero(node.inputs[2]) &&
    (consumers.get(node.outputs[0]!) ?? []).some((reader) => POOLS.has(reader.op));
  if (!graph.nodes.some(guarded)) return graph;
  const nodes = graph.nodes.map((node): Node => {
    if (!guarded(node)) return node;
    const [data = '', pads = '', , ...axes] = node.inputs;
    return { ...node, inputs: [data, pads, NAME, ...axes] };
  });
  const result = { ...graph, nodes, initializers: new Map([...graph.initializers, [NAME, scalar(ALMOST_ZERO)]]) };
  return { ...result, initializers: usedInitializers(result) };
}
