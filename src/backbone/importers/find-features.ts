/** Which tensor of an unknown network its classifier reads. */
import { ModelError } from '../../core/errors.ts';
import type { Graph, Node } from '../../onnx/model.ts';
import { consumersOf, producersOf } from '../../onnx/passes/uses.ts';

/** More layers with weights than a classifier has (VGG's has three). */
const CLASSIFIER_LAYERS = 3;

/** What only rearranges values, or is a map's own padding: no place to take features from. */
const ARRANGING = new Set(['Pad', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);

/** The output that a network's exporter already marked as its features. */
export const FEATURES_OUTPUT = 'features';

export interface FeatureSearch {
  readonly graph: Graph;
  /** Where the paths end: the output called `features`, or every output. */
  readonly sinks: readonly string[];
  /** Tensors that every path passes through, in order. */
  readonly points: readonly string[];
  /** Shape of one example, where known. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * The last spatial map before pooling and classifier; where there is none (transformers), the vector that the last
 * matrix product reads; where there is no classifier, the output itself, which may be tokens.
 *
 * @throws {ModelError} if none of these is there
 */
export function findFeatures(search: FeatureSearch, where: string): string {
  const { graph, sinks, points, shapes } = search;
  const producers = producersOf(graph);
  const rank = (name: string): number => shapes.get(name)?.length ?? 0;
  const isMap = (name: string): boolean => {
    const [, height = 1, width = 1] = shapes.get(name) ?? [];
    const op = producers.get(name)?.op;
    return rank(name) === 3 && height * width > 1 && op !== undefined && !ARRANGING.has(op);
  };
  const last = points.at(-1);
  if (last === FEATURES_OUTPUT && isMap(last)) return last;

  const map = points.findLast(isMap);
  if (map !== undefined) {
    const after = weightedNodesAfter(graph, map, sinks);
    const products = after.filter((n) => n.op !== 'Conv').length;
    const marked = sinks.includes(FEATURES_OUTPUT);
    // A network whose last convolution makes one map per class and averages it, as SqueezeNet does.
    const classMaps = !marked && products === 0 && after.length === 0 && endsInSoftmax(graph, sinks);
    if (classMaps) {
      const before = mapBeforeLastConv(points, producers, isMap, map);
      if (before !== undefined) return before;
    } else if (marked ? after.length === 0 : after.length <= CLASSIFIER_LAYERS) return map;
  }
  if (last === FEATURES_OUTPUT && rank(last) === 1) return last;
  const product = graph.nodes.findLast((n) => isProduct(n, graph) && points.includes(n.inputs[0]!));
  const vector = product?.inputs[0];
  if (vector !== undefined && rank(vector) === 1) return vector;
  if (last !== undefined && ([1, 2].includes(rank(last)) || isMap(last))) return last;
  throw new ModelError(
    'backbone/features',
    `${where}: expected a feature tensor, [C, H, W] or [C], before the classifier, got none that can be found`,
    'Name the tensor with the option features.',
  );
}

function isProduct(node: Node, graph: Graph): boolean {
  return (node.op === 'Gemm' || node.op === 'MatMul') && node.inputs.slice(1).some((i) => graph.initializers.has(i));
}

function weightedNodesAfter(graph: Graph, tensor: string, sinks: readonly string[]): Node[] {
  const after = new Set([tensor]);
  const nodes: Node[] = [];
  const needed = new Set(sinks);
  const before = new Set<Node>();
  for (const node of [...graph.nodes].reverse())
    if (node.outputs.some((o) => needed.has(o))) {
      before.add(node);
      for (const i of node.inputs) needed.add(i);
    }
  for (const node of graph.nodes) {
    if (!node.inputs.some((i) => after.has(i))) continue;
    for (const o of node.outputs) after.add(o);
    if (before.has(node) && (node.op === 'Conv' || isProduct(node, graph))) nodes.push(node);
  }
  return nodes;
}

function endsInSoftmax(graph: Graph, sinks: readonly string[]): boolean {
  const consumers = consumersOf(graph);
  const producers = producersOf(graph);
  return sinks.some((sink) => {
    let node = producers.get(sink);
    while (node !== undefined && ARRANGING.has(node.op) && (consumers.get(node.inputs[0]!)?.length ?? 0) === 1)
      node = producers.get(node.inputs[0]!);
    return node?.op === 'Softmax' || node?.op === 'LogSoftmax';
  });
}

function mapBeforeLastConv(
  points: readonly string[],
  producers: ReadonlyMap<string, Node>,
  isMap: (name: string) => boolean,
  map: string,
): string | undefined {
  let node = producers.get(map);
  while (node !== undefined && node.op !== 'Conv') node = producers.get(node.inputs[0]!);
  const before = node?.inputs[0];
  return before !== undefined && points.includes(before) && isMap(before) ? before : undefined;
}
