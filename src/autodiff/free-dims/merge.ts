import { ShapeError } from '../../core/errors.ts';
import { type GraphBuilder, graphBuilder } from '../../onnx/builder.ts';
import type { Dim, Graph, Node, Tensor, ValueInfo } from '../../onnx/model.ts';
import { numbersOf } from '../../onnx/shapes/context.ts';
import { type Cases, fitPower, fitSum, sizesOf, type Term } from './fit.ts';
import { firstOf, type SizeNodes, type SizeSource, sizeNodes } from './size-nodes.ts';

/** A free size: its name, and where the graph can read it. */
export interface FreeSize extends SizeSource {
  readonly name: string;
}

/**
 * One graph for all sizes from the graphs that were built for some. They must have the same nodes; constants may differ
 * in numbers that follow from the sizes, and become nodes that compute them.
 *
 * @param graphs one for each of `sizesOf(cases)`
 * @throws {ShapeError} they differ in another way, which the message names
 */
export function mergeGraphs(graphs: readonly Graph[], cases: Cases, sizes: readonly FreeSize[]): Graph {
  const [base] = graphs;
  if (base === undefined || graphs.some((g) => g.nodes.length !== base.nodes.length))
    throw differs('the number of nodes');
  const builder = graphBuilder({ nodes: [], inputs: base.inputs, initializers: base.initializers });
  for (const node of base.nodes) for (const name of [node.name, ...node.outputs]) builder.reserve(name);
  const merge: Merge = { graphs, cases, builder, sizes: sizeNodes(builder, sizes), made: new Map() };
  /** Name in the first graph by name in each. */
  const same = graphs.map((g) => new Map(g.inputs.map((v) => [v.name, v.name])));
  for (const [n, node] of base.nodes.entries()) {
    const others = graphs.map((g) => g.nodes[n]!);
    for (const other of others) if (!alike(node, other)) throw differs(`node ${node.name} (${node.op})`);
    const inputs = node.inputs.map((name, i) => {
      const names = others.map((other) => other.inputs[i]!);
      const first = names.map((x, g) => same[g]!.get(x));
      if (name === '' ? names.every((x) => x === '') : first.every((x) => x === name)) return name;
      const tensors = names.map((x, g) => graphs[g]!.initializers.get(x));
      if (!tensors.every((t) => t !== undefined)) throw differs(`input ${i} of node ${node.name} (${node.op})`);
      return constantOf(merge, names, tensors, node, i);
    });
    builder.push({ ...node, inputs });
    for (const [g, other] of others.entries())
      for (const [o, name] of other.outputs.entries()) same[g]!.set(name, node.outputs[o]!);
  }
  const outputs = base.outputs.map((v, o): ValueInfo => {
    const each = graphs.map((g) => g.outputs[o]!.dims);
    return {
      ...v,
      dims: v.dims.map((_, axis) =>
        dimOf(
          merge,
          each.map((dims) => dims[axis]!),
          sizes,
          v.name,
          axis,
        ),
      ),
    };
  });
  return builder.graph(base.inputs, outputs);
}

interface Merge {
  readonly graphs: readonly Graph[];
  readonly cases: Cases;
  readonly builder: GraphBuilder;
  readonly sizes: SizeNodes;
  /** Names of merged constants by the names that they have in the graphs. */
  readonly made: Map<string, string>;
}

function differs(what: string): ShapeError {
  return new ShapeError('autodiff/free-dims', `${what} differs from size to size`);
}

function alike(a: Node, b: Node): boolean {
  if (a === b) return true;
  if (a.op !== b.op || a.domain !== b.domain) return false;
  if (a.inputs.length !== b.inputs.length || a.outputs.length !== b.outputs.length) return false;
  if (a.attributes === b.attributes) return true;
  return attributesText(a) === attributesText(b);
}

function attributesText({ attributes }: Node): string {
  return JSON.stringify(Object.entries(attributes), (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}

function constantOf(
  merge: Merge,
  names: readonly string[],
  tensors: readonly Tensor[],
  node: Node,
  input: number,
): string {
  const [first] = tensors;
  if (first === undefined || tensors.every((t) => equal(t, first))) return names[0]!;
  // In a Reshape the one number that varies is what is left over.
  const shape = node.op === 'Reshape' && node.domain === '' && input === 1 ? reshapeTo(tensors) : undefined;
  if (shape !== undefined) return merge.builder.ints(shape);
  const key = names.join('\n');
  const known = merge.made.get(key);
  if (known !== undefined) return known;
  const result = varying(merge, tensors);
  if (result === undefined) throw differs(`the constant at input ${input} of node ${node.name} (${node.op})`);
  merge.made.set(key, result);
  return result;
}

function equal(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  if (a.dtype !== b.dtype || !sameNumbers(a.dims, b.dims)) return false;
  return a.data.every((v, i) => Object.is(v, b.data[i]));
}

const sameNumbers = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((v, i) => v === b[i]);

/** The target of a Reshape with −1 for the one number that varies, or undefined. */
function reshapeTo(tensors: readonly Tensor[]): number[] | undefined {
  const each = tensors.map(numbersOf);
  const [first] = each;
  if (first === undefined || each.some((e) => e.length !== first.length)) return undefined;
  const shape = first.map((v, i) => (each.every((e) => e[i] === v) ? v : -1));
  return shape.filter((v) => v <= 0).length === 1 ? shape : undefined;
}

function varying(merge: Merge, tensors: readonly Tensor[]): string | undefined {
  const { cases, sizes, builder } = merge;
  const [first] = tensors;
  if (first === undefined || tensors.some((t) => t.dtype !== first.dtype || t.dims.length !== first.dims.length))
    return undefined;
  const values = tensors.map(numbersOf);
  const at = (i: number): number[] => values.map((v) => v[i]!);
  if (tensors.every((t) => sameNumbers(t.dims, first.dims))) {
    if (first.dtype === 'int64' && first.dims.length <= 1) {
      const elements = fitAll(first.data.length, (i) => fitSum(at(i), cases));
      if (elements === undefined) return undefined;
      const vector = sizes.vector(elements);
      return first.dims.length === 1 ? vector : builder.add('Reshape', [vector, builder.ints([])]);
    }
    const power = first.dtype === 'float32' && first.data.length === 1 ? fitPower(at(0), cases) : undefined;
    return power === undefined ? undefined : sizes.power(power, first.dims);
  }
  const dims = fitAll(first.dims.length, (axis) =>
    fitSum(
      tensors.map((t) => t.dims[axis]!),
      cases,
    ),
  );
  if (dims === undefined) return undefined;
  const start = values[0]![0]!;
  if (values.every((v) => v.every((x) => x === start))) return sizes.filled(dims, firstOf(first));
  const step = values[0]![1]! - start;
  const ramp = values.every((v) => v.every((x, i) => x === start + i * step));
  return ramp && first.dtype === 'int64' && dims.length === 1 ? sizes.range(start, step, dims[0]!) : undefined;
}

function fitAll(count: number, fit: (i: number) => Term[] | undefined): Term[][] | undefined {
  const all = Array.from({ length: count }, (_, i) => fit(i));
  return all.every((t) => t !== undefined) ? all : undefined;
}

/** A dimension of an output: the same everywhere, a free size, or some other size without a name. */
function dimOf({ cases }: Merge, each: readonly Dim[], sizes: readonly FreeSize[], name: string, axis: number): Dim {
  const [first] = each;
  if (first !== undefined && each.every((d) => d === first)) return first;
  const at = sizesOf(cases);
  const free = sizes.find((_, i) => each.every((d, c) => d === at[c]![i]));
  return free?.name ?? `${name}_${axis}`;
}
