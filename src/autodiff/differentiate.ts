import { type GraphBuilder, graphBuilder } from '../onnx/builder.ts';
import { zeros } from '../onnx/data-types.ts';
import type { DataType, Graph, Model, Node, Tensor, ValueInfo } from '../onnx/model.ts';
import { nodesFor, prune } from '../onnx/passes/prune.ts';
import { copyMoments } from '../onnx/passes/running-moments.ts';
import { avoidFaults } from '../onnx/passes/runtime-faults.ts';
import { appendGradients } from './append-gradients.ts';
import { checkFloat, checkLoss, gradientName, keptOutputs, type Wanted, wantedNames } from './asked.ts';
import { type InputShapes, overSizes, withShapes } from './free-dims/over-sizes.ts';
import { lower, PORTABLE, type Target } from './lower/lower.ts';
import { modelWith, plainModel } from './plain-model.ts';

export { gradientName } from './asked.ts';

export interface DifferentiateOptions {
  /** Output of the model, of one float32 element, whose gradient is taken. */
  readonly loss: string;
  /**
   * What to differentiate by: initializers, inputs or tensors in between, of a float type. `all-weights` is every
   * initializer that `weightNames` gives, `all-inputs` every input of a float type.
   */
  readonly wrt: Wanted;
  /** Outputs of the model to keep, in this order. Default: all. */
  readonly keep?: readonly string[];
  /** Shapes of inputs with free dimensions, by name. Those left out stay free. Default: none given */
  readonly inputShapes?: InputShapes;
  /** Size of the first dimension of every input that leaves it free. Default: it stays free */
  readonly batch?: number;
  /** What the machine that will run the graph is good at. Default `PORTABLE`: standard operators only */
  readonly target?: Target;
}

/**
 * A model that computes gradients beside what it computed: an output `grad:<x>` for every x in `wrt`, of the shape of x,
 * after the outputs that are kept. Initializers in `wrt` become inputs without a default; what neither a kept output nor a
 * gradient needs is left out. A tensor that the loss does not depend on has a gradient of zeros.
 *
 * Free dimensions (a batch) stay free wherever the gradients follow from their size.
 *
 * @param model operator set 13 or newer; the result's is 18 or newer
 * @returns a model for any onnxruntime: write it with `encodeModel`
 * @throws {UsageError} `loss` or `keep` is no output, `wrt` names no tensor or one of whole numbers, a name is there twice
 * @throws {UnsupportedOperatorError} an operator between `wrt` and the loss has no rule: names node, operator, and those that do
 * @throws {ShapeError} the loss has more than one element, or a free dimension must be given a size
 */
export function differentiate(model: Model, options: DifferentiateOptions): Model {
  const plain = plainModel(model);
  const { loss, target = PORTABLE } = options;
  checkLoss(plain.graph, loss);
  const keep = keptOutputs(plain.graph, options.keep);
  const wrt = wantedNames(plain.graph, loss, options.wrt);
  const asked = new Set(wrt);
  const inputs = [
    ...withShapes(plain.graph.inputs, options.inputShapes ?? {}, options.batch),
    ...wrt.flatMap((name): ValueInfo[] => {
      const weight = plain.graph.initializers.get(name);
      return weight === undefined ? [] : [{ name, dtype: weight.dtype, dims: weight.dims }];
    }),
  ];
  const initializers = new Map([...plain.graph.initializers].filter(([name]) => !asked.has(name)));
  const given: Graph = { nodes: plain.graph.nodes, inputs, outputs: keep, initializers };
  const graph = copyMoments(avoidFaults(given, plain.opset));
  const merged = overSizes(inputs, (shapes) => withGradients(graph, loss, wrt, shapes, target));
  return modelWith(prune(merged, asked), plain);
}

/** The graph with an output `grad:<x>` for each x, for fixed shapes of the inputs; nothing is left out yet. */
function withGradients(graph: Graph, loss: string, wrt: readonly string[], shapes: InputShapes, target: Target): Graph {
  // Shapes are worked out only for what the gradients need: the rest may have operators that nothing here knows.
  const nodes = nodesFor(graph, [loss, ...wrt]);
  const needed = new Set(nodes);
  const rest = graph.nodes.filter((node) => !needed.has(node));
  // Names of the rest are taken too: as inputs nothing reads, they are never made up.
  const taken = [...rest.flatMap((n) => [n.name, ...n.outputs]), ...wrt.map(gradientName)];
  const inputs = [...graph.inputs, ...taken.map((name): ValueInfo => ({ name, dtype: 'float32', dims: [] }))];
  const { builder, gradients, infos, constants } = appendGradients(
    { ...graph, nodes, inputs, outputs: [] },
    { loss, wrt, inputShapes: shapes },
  );
  const lowered = lower(builder.graph(inputs, []), target, (name) => infos.get(name)?.dims ?? []);
  const fixed = Object.keys(shapes).length === 0;
  const whole = graphBuilder(fixed ? withConstants(lowered, constants) : lowered);
  for (const node of rest) whole.push(node);
  const outputs = wrt.map((x): ValueInfo => {
    const name = gradientName(x);
    const gradient = gradients.get(x);
    const given = graph.inputs.find((v) => v.name === x);
    const { dtype, dims } = infos.get(x)!;
    checkFloat(x, dtype);
    if (gradient !== undefined) whole.add('Identity', [gradient], {}, { output: name });
    else addZeros(whole, x, dtype, name);
    return given === undefined ? { name, dtype, dims } : { ...given, name };
  });
  return whole.graph(graph.inputs, [...graph.outputs, ...outputs]);
}

/** Zeros in the shape of a tensor, whatever that is when the graph runs. */
function addZeros(builder: GraphBuilder, like: string, dtype: DataType, name: string): void {
  const value = { kind: 'tensor', value: zeros(dtype, [1]) } as const;
  builder.add('ConstantOfShape', [builder.add('Shape', [like])], { value }, { output: name });
}

/** Arithmetic on shapes that are fixed, done. */
function withConstants(graph: Graph, constants: ReadonlyMap<string, Tensor>): Graph {
  const folded = (node: Node): boolean => node.outputs.length === 1 && constants.has(node.outputs[0]!);
  const values = graph.nodes.filter(folded).map(({ outputs: [name] }) => [name!, constants.get(name!)!] as const);
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => !folded(node)),
    initializers: new Map([...graph.initializers, ...values]),
  };
}
