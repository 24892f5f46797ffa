import type { Graph, Node, Tensor } from '../onnx/model.ts';
import { nodesFor } from '../onnx/passes/prune.ts';

/** Inputs of float type that are settings or statistics, not weights, by operator. */
const NOT_WEIGHTS: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [3, 4],
  Clip: [1, 2],
  Dropout: [1],
  OneHot: [2],
  Pad: [2],
  Range: [0, 1, 2],
  Resize: [1, 2],
};

/**
 * Names of a graph's weights: its initializers of float32 with at least one axis that a node on the way to the loss reads
 * as data. Numbers without an axis are constants of formulas; bounds of `Clip`, sizes of `Resize` and the statistics of
 * `BatchNormalization` are settings.
 *
 * @param loss the tensor they must matter to
 * @returns names in the order of the initializers
 */
export function weightNames(graph: Pick<Graph, 'nodes' | 'initializers'>, loss: string): string[] {
  const read = new Set(nodesFor(graph, [loss]).flatMap((node) => node.inputs.filter((_, i) => isData(node, i))));
  return [...graph.initializers].filter(([name, t]) => read.has(name) && isWeight(t)).map(([name]) => name);
}

const isData = (node: Node, input: number): boolean =>
  node.domain !== '' || NOT_WEIGHTS[node.op]?.includes(input) !== true;

const isWeight = ({ dtype, dims }: Tensor): boolean => dtype === 'float32' && dims.length > 0;
