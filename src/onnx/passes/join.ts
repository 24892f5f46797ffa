/** Two models in a row. */
import { ModelError, ShapeError, UsageError } from '../../core/errors.ts';
import type { Graph, Model, Node, ValueInfo } from '../model.ts';

/**
 * The model with a prefix before the name of every node and tensor, so that it can be joined with another.
 *
 * @param keep names of tensors that stay as they are, such as inputs and outputs
 */
export function renamePrefix(model: Model, prefix: string, keep: ReadonlySet<string> = new Set()): Model {
  const rename = (name: string): string => (name === '' || keep.has(name) ? name : prefix + name);
  const { graph } = model;
  const info = (v: ValueInfo): ValueInfo => ({ ...v, name: rename(v.name) });
  return {
    ...model,
    graph: {
      nodes: graph.nodes.map((n): Node => ({ ...renamed(n, rename), name: prefix + n.name })),
      inputs: graph.inputs.map(info),
      outputs: graph.outputs.map(info),
      initializers: new Map([...graph.initializers].map(([name, tensor]) => [rename(name), tensor])),
    },
  };
}

export interface JoinOptions {
  /** Outputs of the first model that stay outputs. Default: those that the second does not read. */
  readonly keep?: readonly string[];
}

/**
 * Feeds outputs of one model into inputs of another. The result has the first one's inputs and those of the second
 * that are not fed, and the outputs of the second after the kept ones of the first. Metadata of both, the second's
 * first.
 *
 * @param connect input of `b` by output of `a`
 * @throws {UsageError} a name in `connect` that is no such output or input
 * @throws {ShapeError} element types or fixed sizes that do not fit
 * @throws {ModelError} different operator sets, or a name that both use: see `renamePrefix`
 */
export function join(a: Model, b: Model, connect: Readonly<Record<string, string>>, options: JoinOptions = {}): Model {
  const domains = { ...a.domains, ...b.domains };
  if (a.opset !== b.opset || Object.entries(a.domains).some(([d, version]) => domains[d] !== version))
    throw new ModelError('onnx/join', `join: expected models of one operator set, got ${a.opset} and ${b.opset}`);
  const toA = new Map<string, string>();
  for (const [from, to] of Object.entries(connect)) {
    fits(find(a.graph.outputs, from, 'output'), find(b.graph.inputs, to, 'input'));
    toA.set(to, from);
  }
  const rename = (name: string): string => toA.get(name) ?? name;
  const second: Graph = {
    nodes: b.graph.nodes.map((n) => renamed(n, rename)),
    inputs: b.graph.inputs.filter((i) => !toA.has(i.name)),
    outputs: b.graph.outputs.map((o) => ({ ...o, name: rename(o.name) })),
    initializers: new Map([...b.graph.initializers].filter(([name]) => !toA.has(name))),
  };
  const taken = namesOf(a.graph);
  for (const name of namesOf(second))
    if (taken.has(name))
      throw new ModelError('onnx/join', `join: expected models without common names, got ${name} in both`);
  const keep = options.keep ?? a.graph.outputs.map((o) => o.name).filter((name) => !(name in connect));
  return {
    ...b,
    domains,
    irVersion: Math.max(a.irVersion, b.irVersion),
    metadata: { ...a.metadata, ...b.metadata },
    graph: {
      nodes: [...a.graph.nodes, ...second.nodes],
      inputs: [...a.graph.inputs, ...second.inputs],
      outputs: [...keep.map((name) => find(a.graph.outputs, name, 'output')), ...second.outputs],
      initializers: new Map([...a.graph.initializers, ...second.initializers]),
    },
  };
}

function renamed(node: Node, rename: (name: string) => string): Node {
  return { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) };
}

/** Everything that a graph defines: what it makes, its constants and its inputs. */
function namesOf(graph: Graph): Set<string> {
  return new Set([
    ...graph.inputs.map((i) => i.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((n) => n.outputs.filter((o) => o !== '')),
  ]);
}

function find(values: readonly ValueInfo[], name: string, kind: string): ValueInfo {
  const value = values.find((v) => v.name === name);
  if (value !== undefined) return value;
  const names = values.map((v) => v.name).join(', ');
  throw new UsageError('onnx/join', `join: expected an ${kind} among ${names || 'none'}, got ${name}`);
}

function fits(from: ValueInfo, to: ValueInfo): void {
  const same =
    from.dtype === to.dtype &&
    from.dims.length === to.dims.length &&
    from.dims.every((d, i) => d === to.dims[i] || typeof d === 'string' || typeof to.dims[i] === 'string');
  if (same) return;
  const shown = (v: ValueInfo): string => `${v.name} ${v.dtype} [${v.dims.join(', ')}]`;
  throw new ShapeError('onnx/join', `join: expected ${shown(to)}, got ${shown(from)}`);
}
