/** A random graph while it grows. */
import { type Rng, rngOf } from '../../../src/core/rng.ts';
import { type Node, sizeOf, type Tensor } from '../../../src/onnx/model.ts';
import type { TensorInfo } from '../../../src/onnx/shapes/infer.ts';
import { SHAPE_RULES } from '../../../src/onnx/shapes/table.ts';
import {
  attributesOf,
  type Description,
  type Fields,
  type Formula,
  type Given,
  graphOf,
  type NodeDescription,
} from './description.ts';

/** A float tensor of the graph. */
export interface Live {
  readonly name: string;
  readonly dims: readonly number[];
}

export interface Draft {
  readonly rng: Rng;
  /** Every float tensor so far that a node may read, oldest first. */
  readonly live: readonly Live[];
  chance(p: number): boolean;
  int(low: number, high: number): number;
  pick<T>(items: readonly T[]): T;
  /** A trained weight; sometimes one made before, of the same shape and range, or one that is not trained. */
  weight(dims: readonly number[], low: number, high: number): Live;
  /** A float constant that gets no gradient. */
  fixed(dims: readonly number[], low: number, high: number): string;
  scalar(value: number): string;
  ints(values: readonly number[], dims?: readonly number[]): string;
  bools(dims: readonly number[]): string;
  floats(values: readonly number[]): string;
  /** Adds a node. */
  node(op: string, inputs: readonly string[], fields?: Fields, outputs?: number): readonly Live[];
  /** Adds a node with one output. */
  one(op: string, inputs: readonly string[], fields?: Fields): Live;
  input(dims: readonly number[]): Live;
  /** Lets later nodes read a tensor. */
  keep(tensors: readonly Live[]): void;
  /** The tensors that no node reads yet. */
  ends(): readonly Live[];
  /** The operator that made a tensor; undefined for inputs and weights. */
  maker(tensor: Live): string | undefined;
  finish(loss: string): Description;
}

/** No tensor of a graph has more elements. */
export const LIMIT = 360;

/** Part of the weights that are trained, and of those that an earlier one stands for where it fits. */
const TRAINED = 0.85;
const SHARED = 0.25;

export function draft(seed: number): Draft {
  const rng = rngOf(seed, 'random graph');
  const live: Live[] = [];
  const inputs: Record<string, Formula> = {};
  const weights: Record<string, Formula> = {};
  const constants: Record<string, Given> = {};
  const nodes: NodeDescription[] = [];
  const wrt: string[] = [];
  const infos = new Map<string, TensorInfo>();
  const read = new Set<string>();
  const known = new Map<string, Tensor>();
  let count = 0;

  const chance = (p: number): boolean => rng.next() < p;
  const pick = <T>(items: readonly T[]): T => items[rng.int(0, items.length - 1)]!;
  const declare = (name: string, dims: readonly number[]): Live => {
    infos.set(name, { dtype: 'float32', dims });
    return { name, dims };
  };
  const given = (prefix: string, value: Given): string => {
    const text = JSON.stringify(value);
    const same = Object.keys(constants).find((name) => JSON.stringify(constants[name]) === text);
    if (same !== undefined) return same;
    const name = `${prefix}${count++}`;
    constants[name] = value;
    const { graph } = graphOf({ seed, inputs: {}, weights: {}, constants: { [name]: value }, nodes: [], wrt: [] });
    const tensor = graph.initializers.get(name)!;
    known.set(name, tensor);
    infos.set(name, { dtype: tensor.dtype, dims: tensor.dims });
    return name;
  };
  const fixed = (dims: readonly number[], low: number, high: number): string => {
    const name = `c${count++}`;
    weights[name] = [dims, low, high];
    return declare(name, dims).name;
  };
  const node: Draft['node'] = (op, names, fields = {}, outputs = 1) => {
    const made = Array.from({ length: outputs }, () => `t${count++}`);
    const attributes = attributesOf(fields);
    const dims = shapesOf({ op, domain: '', name: op, inputs: names, outputs: made, attributes }, infos, known);
    nodes.push([op, names, made, fields]);
    for (const name of names) read.add(name);
    return made.map((name, i) => declare(name, dims[i]!));
  };

  return {
    rng,
    live,
    chance,
    int: (low, high) => rng.int(low, high),
    pick,
    weight: (dims, low, high) => {
      const same = wrt.filter((name) => JSON.stringify(weights[name]) === JSON.stringify([dims, low, high]));
      if (same.length > 0 && chance(SHARED)) return { name: pick(same), dims };
      if (!chance(TRAINED)) return { name: fixed(dims, low, high), dims };
      const name = `w${count++}`;
      weights[name] = [dims, low, high];
      wrt.push(name);
      return declare(name, dims);
    },
    fixed,
    scalar: (value) => given('s', ['float32', [], [value]]),
    ints: (values, dims = [values.length]) => given('i', ['int64', dims, values]),
    bools: (dims) => given('b', ['bool', dims, Array.from({ length: sizeOf(dims) }, () => rng.int(0, 1))]),
    floats: (values) => given('f', ['float32', [values.length], values]),
    node,
    one: (op, names, fields) => node(op, names, fields)[0]!,
    input: (dims) => {
      const name = `x${count++}`;
      inputs[name] = [dims, -1.5, 1.5];
      wrt.push(name);
      const made = declare(name, dims);
      live.push(made);
      return made;
    },
    keep: (tensors) => {
      for (const t of tensors) live.push(t);
    },
    maker: ({ name }) => nodes.find(([, , outputs]) => outputs.includes(name))?.[0],
    ends: () => live.filter((t) => !read.has(t.name)),
    finish: (loss) => {
      // A gradient may be asked for in the middle of the graph, too.
      const inner = live.filter((t) => t.name.startsWith('t') && read.has(t.name));
      if (inner.length > 0) wrt.push(pick(inner).name);
      return { seed, inputs, weights, constants, nodes: nodes.map((n) => renamed(n, loss)), wrt };
    },
  };
}

function renamed([op, inputs, outputs, fields]: NodeDescription, loss: string): NodeDescription {
  return [op, inputs, outputs.map((name) => (name === loss ? 'loss' : name)), fields];
}

function shapesOf(
  node: Node,
  infos: ReadonlyMap<string, TensorInfo>,
  known: ReadonlyMap<string, Tensor>,
): readonly (readonly number[])[] {
  if (node.op.endsWith('Loss')) return [[]];
  const rules: Readonly<Record<string, (typeof SHAPE_RULES)['Add']>> = SHAPE_RULES;
  const rule = rules[node.op];
  if (rule === undefined) throw new Error(`no shape rule for ${node.op}`);
  return rule({
    node,
    inputs: node.inputs.map((name) => infos.get(name)),
    constants: node.inputs.map((name) => known.get(name)),
  }).map(({ dims }) => dims);
}
