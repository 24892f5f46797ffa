/** Works around a fault of onnxruntime (seen in 1.30): the shape of poolings that round up. */
import { type Attributes, type Graph, int, intOf, ints, intsOf, type Node } from '../model.ts';
import { convGeometry, type Geometry } from '../shapes/geometry.ts';
import type { KnownShapes } from '../shapes/known.ts';

const POOLS = new Set(['AveragePool', 'LpPool', 'MaxPool']);

/**
 * Poolings with `ceil_mode` 1 whose last window would lie in the end padding, or behind it, get less of that padding.
 * There is no such window, and onnxruntime computes none; but below operator set 22 it expects one when it is told no
 * shape, and then refuses to load what reads the result. Values stay the same: what is taken from the padding no window
 * covers.
 *
 * A pooling of unknown size stays as it is, and so does one of averages over padding that rounds up on one axis and has a
 * stride above its kernel on another: no padding says the same.
 */
export function wholeWindows(graph: Graph, shapes: KnownShapes): Graph {
  let changed = false;
  const nodes = graph.nodes.map((node): Node => {
    const cured = cure(node, shapes);
    changed ||= cured !== undefined;
    return cured ?? node;
  });
  return changed ? { ...graph, nodes } : graph;
}

function cure(node: Node, shapes: KnownShapes): Node | undefined {
  if (!POOLS.has(node.op) || node.domain !== '' || intOf(node, 'ceil_mode', 0) !== 1) return undefined;
  const input = shapes.spatial(node.inputs[0]!);
  const kernel = intsOf(node, 'kernel_shape', undefined);
  // Where the result has no shape, windows do not fit the input either.
  if (input === undefined || kernel === undefined || shapes.spatial(node.outputs[0]!) === undefined) return undefined;
  const geometry = convGeometry(node, [1, 1, ...input], kernel);
  const rank = kernel.length;
  const { output } = geometry;
  if (same(windows(geometry, input, true), output)) return undefined;
  const needed = output.map((_, axis) => endNeeded(geometry, input, axis));
  const begins = geometry.pads.slice(0, rank);
  const ends = geometry.pads.slice(rank);
  const less = ends.map((end, axis) => Math.min(end, Math.max(0, needed[axis]!)));
  const more = ends.map((end, axis) => (windowsOn(geometry, input, axis, false) < output[axis]! ? needed[axis]! : end));
  const countsPadding = node.op === 'AveragePool' && intOf(node, 'count_include_pad', 0) === 1;
  const choices = [
    { ceil: true, ends: less },
    { ceil: false, ends: less },
    { ceil: false, ends: more.map((end, axis) => (end > ends[axis]! ? end : less[axis]!)), widens: true },
  ];
  for (const { ceil, ends: chosen, widens } of choices) {
    if (widens && (countsPadding || chosen.some((end, axis) => end >= kernel[axis]!))) continue;
    const pads = [...begins, ...chosen];
    if (same(windows({ ...geometry, pads }, input, ceil), output)) return padded(node, pads, ceil);
  }
  return undefined;
}

function padded(node: Node, pads: readonly number[], ceil: boolean): Node {
  const { auto_pad: _, ...attributes }: Attributes = node.attributes;
  return { ...node, attributes: { ...attributes, pads: ints(pads), ceil_mode: int(ceil ? 1 : 0) } };
}

/** Padding at the end that the last window reaches: below 0 where it ends before the input does. */
function endNeeded({ kernel, strides, dilations, pads, output }: Geometry, input: readonly number[], axis: number) {
  const extent = dilations[axis]! * (kernel[axis]! - 1) + 1;
  return (output[axis]! - 1) * strides[axis]! + extent - input[axis]! - pads[axis]!;
}

/** Number of windows by the formula alone: ⌊room / stride⌋ + 1, or ⌈room / stride⌉ + 1. */
function windowsOn(geometry: Geometry, input: readonly number[], axis: number, ceil: boolean): number {
  const { kernel, strides, dilations, pads } = geometry;
  const extent = dilations[axis]! * (kernel[axis]! - 1) + 1;
  const room = input[axis]! + pads[axis]! + pads[axis + kernel.length]! - extent;
  return (ceil ? Math.ceil : Math.floor)(room / strides[axis]!) + 1;
}

function windows(geometry: Geometry, input: readonly number[], ceil: boolean): number[] {
  return input.map((_, axis) => windowsOn(geometry, input, axis, ceil));
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();
