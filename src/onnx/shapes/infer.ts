import { ModelError, ShapeError, UnsupportedOperatorError } from '../../core/errors.ts';
import type { Graph, Node, Tensor, ValueInfo } from '../model.ts';
import { type ShapeRule, show, type TensorInfo, whereOf } from './context.ts';
import { foldNode } from './fold.ts';
import { operatorOf, SHAPE_RULES } from './table.ts';

export type { TensorInfo };

/** Element type and static shape by tensor name: inputs, initializers and every output of every node. */
export type TensorInfos = ReadonlyMap<string, TensorInfo>;

export interface InferredShapes {
  readonly infos: TensorInfos;
  /**
   * Tensors known before the graph runs: initializers, Constant nodes, and arithmetic on shapes, by constant factors if
   * need be. Nothing here is computed from floats alone, so that no weight's function is among them.
   */
  readonly constants: ReadonlyMap<string, Tensor>;
}

/**
 * Works out the shape of every tensor of a graph, all sizes fixed.
 *
 * @param graph nodes in topological order
 * @param inputShapes shapes by input name, needed for inputs with free sizes (the batch, say); others may be left out
 * @throws {ShapeError} a free size without a value, shapes that do not fit together, or a shape that is only known when the graph runs
 * @throws {UnsupportedOperatorError} an operator without a shape rule
 */
export function inferShapes(
  graph: Graph,
  inputShapes: Readonly<Record<string, readonly number[]>> = {},
): InferredShapes {
  return infer(graph, inputShapes, false);
}

/** As `inferShapes`, but what cannot be worked out, and what depends on it, is left out. */
export function inferWhereKnown(
  graph: Graph,
  inputShapes: Readonly<Record<string, readonly number[]>>,
): InferredShapes['infos'] {
  return infer(graph, inputShapes, true).infos;
}

function infer(
  graph: Graph,
  inputShapes: Readonly<Record<string, readonly number[]>>,
  partial: boolean,
): InferredShapes {
  const infos = new Map<string, TensorInfo>();
  const constants = new Map<string, Tensor>();
  /** Those that were worked out, not given. */
  const computed = new Set<string>();
  for (const name of Object.keys(inputShapes)) {
    if (!graph.inputs.some((v) => v.name === name))
      throw new ShapeError(
        'onnx/input',
        `input '${name}': expected one of ${graph.inputs.map((v) => `'${v.name}'`).join(', ')}, got a shape for none of them`,
      );
  }
  for (const [name, tensor] of graph.initializers) {
    if (name in inputShapes) continue;
    infos.set(name, { dtype: tensor.dtype, dims: tensor.dims });
    constants.set(name, tensor);
  }
  for (const input of graph.inputs) {
    if (!infos.has(input.name)) infos.set(input.name, fixed(input, inputShapes[input.name]));
  }
  for (const node of graph.nodes) {
    try {
      inferNode(node, infos, constants, computed);
    } catch (error) {
      if (!partial || !(error instanceof ModelError)) throw error;
    }
  }
  return { infos, constants };
}

/** Adds what is known of the outputs of one node. */
function inferNode(
  node: Node,
  infos: Map<string, TensorInfo>,
  constants: Map<string, Tensor>,
  computed: Set<string>,
): void {
  const context = {
    node,
    inputs: node.inputs.map((name) => (name === '' ? undefined : knownInput(infos, node, name))),
    constants: node.inputs.map((name) => constants.get(name)),
  };
  const outputs = ruleOf(node)(context);
  for (const [i, name] of node.outputs.entries()) {
    if (name === '') continue;
    const info = outputs[i];
    if (info === undefined)
      throw new ShapeError(
        'onnx/outputs',
        `${whereOf(node)}: expected at most ${outputs.length} outputs, got ${node.outputs.length}`,
      );
    infos.set(name, info);
  }
  const fromSizes = node.inputs.map((name) => computed.has(name));
  const value = outputs[0] === undefined ? undefined : foldNode(context, outputs[0], fromSizes);
  const first = node.outputs[0];
  if (value === undefined || first === undefined) return;
  constants.set(first, value);
  if (node.op !== 'Constant') computed.add(first);
}

function fixed(input: ValueInfo, given: readonly number[] | undefined): TensorInfo {
  const where = `input '${input.name}'`;
  if (given === undefined) {
    const dims = input.dims.filter((d) => typeof d === 'number');
    if (dims.length !== input.dims.length) {
      const axis = input.dims.findIndex((d) => typeof d !== 'number');
      throw new ShapeError(
        'onnx/free-dim',
        `${where}: expected a size for dim ${axis} ('${input.dims[axis]}'), got none`,
        `Give the whole shape of '${input.name}' in inputShapes.`,
      );
    }
    return { dtype: input.dtype, dims };
  }
  const fits =
    given.length === input.dims.length &&
    given.every((d, i) => typeof input.dims[i] !== 'number' || d === input.dims[i]);
  if (!fits || given.some((d) => !Number.isInteger(d) || d < 0))
    throw new ShapeError(
      'onnx/input',
      `${where}: expected a shape like [${input.dims.join(', ')}], got ${show(given)}`,
    );
  return { dtype: input.dtype, dims: given };
}

function knownInput(infos: TensorInfos, node: Node, name: string): TensorInfo {
  const info = infos.get(name);
  if (info === undefined)
    throw new ShapeError(
      'onnx/order',
      `${whereOf(node)}: expected input '${name}' to be made by an earlier node, got a name that no earlier node makes`,
    );
  return info;
}

function ruleOf(node: Node): ShapeRule {
  const rules: Readonly<Record<string, ShapeRule>> = SHAPE_RULES;
  const key = operatorOf(node);
  const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
  if (rule === undefined)
    throw new UnsupportedOperatorError(
      'onnx/operator',
      `node '${node.name}': expected an operator with a shape rule, got ${key}`,
      `Known operators: ${Object.keys(rules).sort().join(', ')}.`,
    );
  return rule;
}
