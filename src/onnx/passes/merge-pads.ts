/** Zeros that a `Pad` puts around an image become part of the `Conv` that is its only reader. */
import { type Graph, ints, intsOf, type Node, stringOf } from '../model.ts';
import { consumersOf, usedInitializers } from './uses.ts';

/** The same graph with fewer nodes. Pads of other modes, values or axes, or with several readers, stay. */
export function mergePads(graph: Graph): Graph {
  const consumers = consumersOf(graph);
  const outputs = new Set(graph.outputs.map((o) => o.name));
  /** Source and pads [top, left, bottom, right] by the tensor that a removable Pad makes. */
  const merged = new Map<string, { readonly from: string; readonly pads: readonly number[] }>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const [from, kernel] = node.inputs;
    const pads = spatialZeros(node, graph);
    const to = node.outputs[0]!;
    const [reader, ...others] = consumers.get(to) ?? [];
    if (pads !== undefined && from !== undefined && others.length === 0 && !outputs.has(to) && reader !== undefined) {
      if (isPaddedConv(reader) && reader.inputs[0] === to && !reader.inputs.slice(1).includes(to)) {
        merged.set(to, { from, pads });
        continue;
      }
    }
    const source = node.op === 'Conv' ? merged.get(from ?? '') : undefined;
    if (source === undefined || kernel === undefined) nodes.push(node);
    else {
      const before = intsOf(node, 'pads', [0, 0, 0, 0]);
      const attributes = { ...node.attributes, pads: ints(source.pads.map((p, i) => p + before[i]!)) };
      nodes.push({ ...node, inputs: [source.from, ...node.inputs.slice(1)], attributes });
    }
  }
  const result = { ...graph, nodes };
  return { ...result, initializers: usedInitializers(result) };
}

/** [top, left, bottom, right] of a Pad of zeros around [N, C, H, W], or undefined. */
function spatialZeros(node: Node, graph: Graph): readonly number[] | undefined {
  if (node.op !== 'Pad' || node.domain !== '' || stringOf(node, 'mode', 'constant') !== 'constant') return undefined;
  const [, sizes = '', fill = '', axes = ''] = node.inputs;
  const pads = graph.initializers.get(sizes);
  const value = graph.initializers.get(fill);
  if (pads?.dtype !== 'int64' || pads.data.length !== 8 || axes !== '') return undefined;
  if (fill !== '' && (value === undefined || Number(value.data[0]) !== 0)) return undefined;
  const [n0, c0, top, left, n1, c1, bottom, right] = Array.from(pads.data, Number);
  // Negative pads crop, which a convolution cannot.
  const sides = [top!, left!, bottom!, right!];
  return n0 === 0 && c0 === 0 && n1 === 0 && c1 === 0 && sides.every((p) => p >= 0) ? sides : undefined;
}

function isPaddedConv(node: Node): boolean {
  if (node.op !== 'Conv' || node.domain !== '') return false;
  return ['NOTSET', 'VALID'].includes(stringOf(node, 'auto_pad', 'NOTSET'));
}
