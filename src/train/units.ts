import type { Backbone } from '../backbone/types.ts';
import type { Graph, Node } from '../onnx/model.ts';

/** Weights that thaw together: one weight-bearing layer, or all of a block. */
export interface Unit {
  readonly name: string;
  readonly weights: readonly string[];
}

/** Operators with a kernel, and where their trainable inputs are. */
const KERNELS: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
};

/** Operators whose weights belong to the layer before them. BatchNorm's running statistics are never trained. */
const AFFINE: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [1, 2],
  LayerNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  PRelu: [1],
};

/**
 * Scale and shift as operators of their own. One number is a constant of a formula (HardSwish written out), and one
 * before any layer is part of the preprocessing.
 */
const ARITHMETIC = new Set(['Mul', 'Add']);

/**
 * The weight-bearing layers of a tail from the top down. Scale and shift that act on a layer's result thaw with its
 * kernel.
 *
 * @param graph nodes in topological order, BatchNormalization still explicit
 */
export function layerUnits(graph: Graph): Unit[] {
  return layersOf(graph)
    .map(({ name, weights }) => ({ name, weights }))
    .reverse();
}

/** Layers gathered into the blocks between a backbone's cut points, from the top down. */
export function blockUnits(graph: Graph, backbone: Backbone): Unit[] {
  const cutNames = new Map(backbone.cuts.map((c) => [c.tensor, c.name]));
  const last = graph.nodes.length;
  // A block ends with the node that makes its cut point.
  const ends = graph.nodes.flatMap((node, at) =>
    node.outputs.flatMap((y) => (cutNames.has(y) ? [{ at, name: cutNames.get(y)! }] : [])),
  );
  const blocks = new Map<string, string[]>();
  for (const layer of layersOf(graph).reverse()) {
    const block = ends.find((end) => end.at >= layer.at) ?? { at: last, name: 'top' };
    blocks.set(block.name, [...(blocks.get(block.name) ?? []), ...layer.weights]);
  }
  return [...blocks].map(([name, weights]) => ({ name, weights }));
}

/** A layer under construction, and the position of its kernel's node. */
interface Layer {
  readonly name: string;
  readonly at: number;
  readonly weights: string[];
}

function layersOf(graph: Graph): Layer[] {
  const layers: Layer[] = [];
  /** The layer whose result each tensor carries, through operators without weights of their own. */
  const carrier = new Map<string, Layer>();
  const taken = new Set<string>();
  const claim = (node: Node, positions: readonly number[], least = 1): string[] =>
    positions.flatMap((i) => {
      const name = node.inputs[i];
      const tensor = name === undefined ? undefined : graph.initializers.get(name);
      if (name === undefined || tensor?.dtype !== 'float32' || tensor.dims.length === 0 || taken.has(name)) return [];
      if (tensor.data.length < least) return [];
      taken.add(name);
      return [name];
    });
  graph.nodes.forEach((node, at) => {
    const before = node.inputs.map((x) => carrier.get(x)).find((layer) => layer !== undefined);
    let layer = before;
    const kernel = KERNELS[node.op];
    const affine = AFFINE[node.op];
    if (kernel !== undefined) {
      const weights = claim(node, kernel);
      if (weights.length > 0) {
        layer = { name: node.name, at, weights };
        layers.push(layer);
      }
    } else if (ARITHMETIC.has(node.op)) {
      before?.weights.push(...claim(node, [0, 1], 2));
    } else if (affine !== undefined) {
      const weights = claim(node, affine);
      if (before !== undefined) before.weights.push(...weights);
      else if (weights.length > 0) {
        layer = { name: node.name, at, weights };
        layers.push(layer);
      }
    }
    if (layer !== undefined) for (const y of node.outputs) carrier.set(y, layer);
  });
  return layers;
}
