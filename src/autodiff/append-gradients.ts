import { ModelError, ShapeError, UnsupportedOperatorError } from '../core/errors.ts';
import { type GraphBuilder, graphBuilder } from '../onnx/builder.ts';
import { type DataType, type Graph, type Node, scalar, sizeOf, type Tensor } from '../onnx/model.ts';
import { nodesFor } from '../onnx/passes/prune.ts';
import { inferShapes, type TensorInfo } from '../onnx/shapes/infer.ts';
import { operatorOf, SHAPE_RULES } from '../onnx/shapes/table.ts';
import { refuseEmpty } from './check-shapes.ts';
import type { Rule } from './rule.ts';
import { RULES } from './rules/table.ts';

export interface GradientOptions {
  /** Tensor of one element whose gradient is taken. */
  readonly loss: string;
  /** Tensors to differentiate by: initializers, inputs, or anything in between. */
  readonly wrt: readonly string[];
  /** Sizes of inputs with free dimensions. */
  readonly inputShapes?: Readonly<Record<string, readonly number[]>>;
}

export interface Gradients {
  /** The forward nodes followed by the backward ones; convolution gradients are still to be lowered. */
  readonly builder: GraphBuilder;
  /** Name of ∂loss/∂t per asked tensor t. A tensor the loss does not depend on has none. */
  readonly gradients: ReadonlyMap<string, string>;
  readonly infos: ReadonlyMap<string, TensorInfo>;
  /** Tensors known before the graph runs, as `inferShapes` finds them. */
  readonly constants: ReadonlyMap<string, Tensor>;
}

/**
 * Reverse-mode differentiation of an ONNX graph: the nodes are walked from the loss back, each one's rule appends the
 * nodes of its gradient. Only nodes on a path from `wrt` to the loss are visited, so the backward pass ends where the
 * deepest wanted tensor is.
 *
 * @throws {UnsupportedOperatorError} an operator on the way has no rule; names node and operator
 * @throws {ShapeError} the loss is not one element, or a tensor on the way has none
 * @throws {ModelError} `loss` or a name in `wrt` is not in the graph
 */
export function appendGradients(graph: Graph, { loss, wrt, inputShapes }: GradientOptions): Gradients {
  const wanted = new Set(wrt);
  const varying = reachable(graph.nodes, wanted);
  checkOperators(graph, loss, varying);
  const { infos, constants } = inferShapes(graph, inputShapes);
  const info = (name: string): TensorInfo => {
    const found = infos.get(name);
    if (found === undefined) throw new ModelError('autodiff/name', `${name}: no such tensor in the graph`);
    return found;
  };
  for (const name of wrt) info(name);
  if (sizeOf(info(loss).dims) !== 1) {
    throw new ShapeError(
      'autodiff/loss',
      `${loss}: expected a loss of one element, got [${info(loss).dims.join(', ')}]`,
    );
  }
  refuseEmpty(graph.nodes, infos, varying, loss);
  const builder = graphBuilder(graph);
  /** Contributions to each tensor's gradient, one per use of the tensor. */
  const contributions = new Map<string, string[]>([
    [loss, [builder.constant({ ...scalar(1), dims: [...info(loss).dims] })]],
  ]);
  const totals = new Map<string, string>();
  const total = (name: string): string | undefined => {
    const parts = contributions.get(name);
    if (parts === undefined) return undefined;
    const known = totals.get(name);
    if (known !== undefined) return known;
    // A chain: onnxruntime's Sum of three is slower than two Adds on large tensors.
    const sum = parts.reduce((a, b) => builder.add('Add', [a, b], {}, { name: 'grad' }));
    totals.set(name, sum);
    return sum;
  };

  for (const node of [...graph.nodes].reverse()) {
    const needs = node.inputs.map((x) => x !== '' && varying.has(x) && isFloat(info(x).dtype));
    if (!needs.includes(true) || !node.outputs.some((y) => varying.has(y))) continue;
    const dOutputs = node.outputs.map(total);
    if (dOutputs.every((d) => d === undefined)) continue;
    const dInputs = ruleOf(node)({
      node,
      dOutputs,
      needs,
      builder,
      shape: (name) => info(name).dims,
      dtype: (name) => info(name).dtype,
      constant: (name): Tensor | undefined => (varying.has(name) ? undefined : constants.get(name)),
    });
    dInputs.forEach((dX, i) => {
      const x = node.inputs[i]!;
      if (dX === undefined || !needs[i]) return;
      const parts = contributions.get(x);
      if (parts === undefined) contributions.set(x, [dX]);
      else parts.push(dX);
    });
  }
  const gradients = new Map<string, string>();
  for (const name of wrt) {
    const gradient = total(name);
    if (gradient !== undefined) gradients.set(name, gradient);
  }
  return { builder, gradients, infos, constants };
}

/**
 * Says before anything is computed that a graph could not be differentiated.
 *
 * @throws {UnsupportedOperatorError} naming the first node without a rule
 */
export function checkDifferentiable(graph: Graph): void {
  for (const node of graph.nodes) ruleOf(node);
}

/**
 * An operator that stands in the way is named as one without a gradient, before its shape is found to be unknown too.
 * One whose shape is known may be there without a rule: no gradient passes through its whole numbers.
 */
function checkOperators(graph: Graph, loss: string, varying: ReadonlySet<string>): void {
  for (const node of nodesFor(graph, [loss]))
    if (node.inputs.some((x) => varying.has(x)) && !Object.hasOwn(SHAPE_RULES, operatorOf(node))) ruleOf(node);
}

/** Tensors that depend on one of the given, themselves included. */
function reachable(nodes: readonly Node[], from: ReadonlySet<string>): ReadonlySet<string> {
  const out = new Set(from);
  for (const node of nodes) {
    if (ofShapeOnly(node) || !node.inputs.some((x) => out.has(x))) continue;
    for (const y of node.outputs) out.add(y);
  }
  return out;
}

/** Whether a node reads the shape of its input, which stays what it is when values change. */
function ofShapeOnly({ domain, op }: Node): boolean {
  return domain === '' && (op === 'Shape' || op === 'Size');
}

function isFloat(dtype: DataType): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16';
}

const TABLE: ReadonlyMap<string, Rule> = new Map(Object.entries(RULES));

function ruleOf(node: Node): Rule {
  const rule = node.domain === '' ? TABLE.get(node.op) : undefined;
  if (rule === undefined) {
    throw new UnsupportedOperatorError(
      'autodiff/operator',
      `node ${node.name}: operator ${node.domain === '' ? '' : `${node.domain}.`}${node.op} has no gradient rule`,
      `Supported: ${[...TABLE.keys()].sort().join(', ')}.`,
    );
  }
  return rule;
}
