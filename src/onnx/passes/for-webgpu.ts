/** Works around what onnxruntime's WebGPU provider lacks (seen in 1.30). Values stay the same up to rounding. */
import { graphBuilder } from '../builder.ts';
import { type Graph, int, intOf, type Model, type Node, type ValueInfo } from '../model.ts';
import { faultsOf } from './webgpu-faults.ts';

/** A model in a form that runs on WebGPU. */
export interface WebgpuModel {
  readonly model: Model;
  /** Names of nodes that are to be run on the processor. */
  readonly onCpu: readonly string[];
  /** float16 inputs and outputs that have become float32. */
  readonly widened: ReadonlySet<string>;
}

/**
 * - `Sum` has no kernel: the norm of all gradients would fetch a number from the device for every weight. It becomes `Add`s
 * - `LogSoftmax` has no kernel: the forward pass would wait for the processor. It becomes x − max − log Σ exp(x − max)
 * - what the provider takes and then refuses, or computes wrongly, is named for the processor: see `faultsOf`
 * - float16 is refused at the first run where the device does not have it: inputs that are cast to float32 and outputs
 *   that are cast from it become float32
 *
 * @param half whether the device has float16
 */
export function forWebgpu(model: Model, half: boolean): WebgpuModel {
  const builder = graphBuilder({ nodes: [], initializers: model.graph.initializers, inputs: model.graph.inputs });
  for (const node of model.graph.nodes) for (const name of [node.name, ...node.outputs]) builder.reserve(name);
  const isFaulty = faultsOf(model.graph);
  const onCpu: string[] = [];
  for (const node of model.graph.nodes) {
    if (node.domain !== '') builder.push(node);
    else if (node.op === 'Sum') addSum(builder, node);
    else if (node.op === 'LogSoftmax' && model.opset >= 18) addLogSoftmax(builder, node);
    else if (isFaulty(node)) {
      const name = node.name === '' ? builder.fresh(node.op) : node.name;
      onCpu.push(name);
      builder.push({ ...node, name });
    } else builder.push(node);
  }
  const graph = builder.graph(model.graph.inputs, model.graph.outputs);
  const { graph: final, widened } = half ? { graph, widened: new Set<string>() } : widen(graph);
  return { model: { ...model, graph: final }, onCpu, widened };
}

type Builder = ReturnType<typeof graphBuilder>;

function addSum(builder: Builder, { inputs, outputs }: Node): void {
  const [first, ...rest] = inputs;
  const output = outputs[0]!;
  let sum = first!;
  rest.forEach((x, i) => {
    const last = i === rest.length - 1;
    sum = builder.add('Add', [sum, x], {}, last ? { name: 'sum', output } : { name: 'sum' });
  });
  if (rest.length === 0) builder.add('Identity', [sum], {}, { output });
}

function addLogSoftmax(builder: Builder, node: Node): void {
  const axes = builder.ints([intOf(node, 'axis', -1)]);
  const x = node.inputs[0]!;
  const top = builder.add('ReduceMax', [x, axes], { keepdims: int(1) });
  const shifted = builder.add('Sub', [x, top]);
  const total = builder.add('ReduceSum', [builder.add('Exp', [shifted]), axes], { keepdims: int(1) });
  builder.add('Sub', [shifted, builder.add('Log', [total])], {}, { output: node.outputs[0]! });
}

/** ONNX's number of float32. */
const FLOAT32 = 1;
const FLOAT16 = 10;

function widen(graph: Graph): { graph: Graph; widened: ReadonlySet<string> } {
  const isCast = (node: Node, to: number): boolean =>
    node.op === 'Cast' && node.domain === '' && intOf(node, 'to', 0) === to;
  const halves = (values: readonly ValueInfo[]): string[] =>
    values.flatMap(({ name, dtype }) => (dtype === 'float16' ? [name] : []));
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const widened = new Set([
    ...halves(graph.inputs).filter(
      (name) => !outputs.has(name) && graph.nodes.every((node) => !node.inputs.includes(name) || isCast(node, FLOAT32)),
    ),
    ...halves(graph.outputs).filter((name) => {
      const maker = graph.nodes.find((node) => node.outputs.includes(name));
      return maker !== undefined && isCast(maker, FLOAT16) && !graph.nodes.some((node) => node.inputs.includes(name));
    }),
  ]);
  if (widened.size === 0) return { graph, widened };
  const wide = (value: ValueInfo): ValueInfo => (widened.has(value.name) ? { ...value, dtype: 'float32' } : value);
  const nodes = graph.nodes.map(
    (node): Node =>
      [...node.inputs, ...node.outputs].some((name) => widened.has(name))
        ? { ...node, attributes: { ...node.attributes, to: int(FLOAT32) } }
        : node,
  );
  return { graph: { ...graph, nodes, inputs: graph.inputs.map(wide), outputs: graph.outputs.map(wide) }, widened };
}
