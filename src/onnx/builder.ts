import {
  type Attributes,
  float32,
  type Graph,
  int64,
  type Node,
  scalar,
  type Tensor,
  type ValueInfo,
} from './model.ts';

/**
 * Appends nodes and constants to a graph under construction. Every method returns the name of the tensor it made.
 * Equal small constants are shared.
 */
export interface GraphBuilder {
  /** Adds a node with one output. Empty input names are optional inputs left out. */
  add(op: string, inputs: readonly string[], attributes?: Attributes, options?: NodeOptions): string;
  /** Adds a node with several outputs. */
  addMany(
    op: string,
    inputs: readonly string[],
    outputCount: number,
    attributes?: Attributes,
    options?: NodeOptions,
  ): string[];
  /** Adds a node as it is. */
  push(node: Node): void;
  /** Adds a constant; a name is made up where none is given. */
  constant(tensor: Tensor, name?: string): string;
  /** A float32 scalar constant, shared. */
  scalar(value: number): string;
  /** A 1-D int64 constant, shared: shapes, axes, starts. */
  ints(values: readonly number[]): string;
  /** A 1-D float32 constant. */
  floats(values: readonly number[]): string;
  /** A name not used before. */
  fresh(stem: string): string;
  /** Marks a name as used, so that `fresh` never makes it up. */
  reserve(name: string): void;
  /** The nodes so far, in the order added. */
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** The finished graph. */
  graph(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Graph;
}

export interface NodeOptions {
  readonly domain?: string;
  /** Stem of the node's name and, where `output` is not given, of its output. */
  readonly name?: string;
  /** Exact name of the first output. */
  readonly output?: string;
}

/**
 * A builder, empty or starting from the nodes and constants of a graph.
 *
 * @param from graph whose nodes and initializers come first, or undefined
 * @param prefix put before every name that is made up, so that two graphs can be joined
 */
export function graphBuilder(from?: Pick<Graph, 'nodes' | 'initializers' | 'inputs'>, prefix = ''): GraphBuilder {
  const nodes: Node[] = [...(from?.nodes ?? [])];
  const initializers = new Map<string, Tensor>(from?.initializers ?? []);
  const used = new Set<string>([
    ...initializers.keys(),
    ...nodes.flatMap((n) => [n.name, ...n.outputs]),
    ...(from?.inputs ?? []).map((v) => v.name),
  ]);
  const shared = new Map<string, string>();
  const counts = new Map<string, number>();

  const fresh = (stem: string): string => {
    let name = prefix + stem;
    for (let i = counts.get(stem) ?? 0; used.has(name); i++) {
      name = `${prefix}${stem}_${i}`;
      counts.set(stem, i + 1);
    }
    used.add(name);
    return name;
  };
  const claim = (name: string): string => {
    used.add(name);
    return name;
  };
  const constant = (tensor: Tensor, name?: string): string => {
    const id = name === undefined ? fresh('const') : claim(name);
    initializers.set(id, tensor);
    return id;
  };
  const once = (key: string, make: () => Tensor): string => {
    const known = shared.get(key);
    if (known !== undefined) return known;
    const id = constant(make());
    shared.set(key, id);
    return id;
  };
  const addMany = (
    op: string,
    inputs: readonly string[],
    outputCount: number,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): string[] => {
    const stem = options.name ?? op;
    const outputs = Array.from({ length: outputCount }, (_, i) =>
      i === 0 && options.output !== undefined ? claim(options.output) : fresh(`${stem}_out`),
    );
    nodes.push({ op, domain: options.domain ?? '', name: fresh(stem), inputs, outputs, attributes });
    return outputs;
  };
  return {
    addMany,
    add: (op, inputs, attributes, options) => addMany(op, inputs, 1, attributes, options)[0]!,
    push: (node) => {
      claim(node.name);
      for (const o of node.outputs) claim(o);
      nodes.push(node);
    },
    constant,
    scalar: (value) => once(`f${value}`, () => scalar(value)),
    ints: (values) => once(`i${values.join()}`, () => int64(values)),
    floats: (values) => constant(float32(values, [values.length])),
    fresh,
    reserve: claim,
    nodes,
    initializers,
    graph: (inputs, outputs) => ({ nodes: [...nodes], inputs, outputs, initializers: new Map(initializers) }),
  };
}
