import { expect } from 'vitest';
import { rngOf } from '../../../src/core/rng.ts';
import { zeros } from '../../../src/onnx/data-types.ts';
import type { Attributes, DataType, Graph, Model, Tensor, ValueInfo } from '../../../src/onnx/model.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { type InferredShapes, inferShapes } from '../../../src/onnx/shapes/infer.ts';

/** One node: operator, inputs, outputs, attributes. */
export type Call = readonly [
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes?: Attributes,
];

/** A graph whose shapes are compared with those of a run. */
export interface ShapeCase {
  readonly calls: readonly Call[];
  readonly inputs?: Parameters<typeof graphOf>[0];
  readonly constants?: Readonly<Record<string, Tensor>>;
  readonly opset?: number;
}

/** A call whose outputs are named after the operator. */
export const call = (op: string, inputs: readonly string[], attributes: Call[3] = {}, outputs = 1): Call => [
  op,
  inputs,
  Array.from({ length: outputs }, (_, i) => `${op}_${i}`),
  attributes,
];

/** A graph from calls; every output that is not used by another node is an output of the graph. */
export function graphOf(
  inputs: Readonly<Record<string, readonly number[] | readonly [DataType, readonly number[]]>>,
  initializers: Readonly<Record<string, Tensor>>,
  calls: readonly Call[],
): Graph {
  return {
    inputs: Object.entries(inputs).map(([name, spec]): ValueInfo => {
      const [dtype, dims] = isTyped(spec) ? spec : ['float32' as const, spec];
      return { name, dtype, dims };
    }),
    outputs: [],
    initializers: new Map(Object.entries(initializers)),
    nodes: calls.map(([op, ins, outs, attributes = {}], i) => {
      const [name, domain] = op.includes('.')
        ? [op.slice(op.lastIndexOf('.') + 1), op.slice(0, op.lastIndexOf('.'))]
        : [op, ''];
      return { op: name, domain, name: `n${i}_${name}`, inputs: ins, outputs: outs, attributes };
    }),
  };
}

function isTyped(
  spec: readonly number[] | readonly [DataType, readonly number[]],
): spec is readonly [DataType, readonly number[]] {
  return typeof spec[0] === 'string';
}

/** The graph as a model that gives back the named tensors. */
export function modelOf(graph: Graph, outputs: readonly ValueInfo[], opset = 20): Model {
  return {
    graph: { ...graph, outputs },
    opset,
    domains: { 'com.microsoft': 1 },
    irVersion: 9,
    producer: 'test',
    metadata: {},
  };
}

/** A tensor of seeded values: floats in [−1, 1), whole numbers in [0, 3]. */
export function filled(dtype: DataType, dims: readonly number[], seed = 1): Tensor {
  const tensor = zeros(dtype, dims);
  const rng = rngOf(seed, dims.join());
  for (let i = 0; i < tensor.data.length; i++) {
    if (tensor.dtype === 'int64' || tensor.dtype === 'uint64') tensor.data[i] = BigInt(rng.int(0, 3));
    else
      tensor.data[i] =
        dtype === 'bool' ? rng.int(0, 1) : dtype.startsWith('float') ? rng.uniform(-1, 1) : rng.int(0, 3);
  }
  return tensor;
}

/** Runs the graph with every tensor as an output and compares type, shape, and the values known before the run. */
export async function expectShapesAsRun(
  graph: Graph,
  inputShapes: Readonly<Record<string, readonly number[]>> = {},
  opset = 20,
): Promise<InferredShapes> {
  const inferred = inferShapes(graph, inputShapes);
  const outputs = graph.nodes.flatMap((n) => n.outputs.filter((o) => o !== ''));
  const info = (name: string) => inferred.infos.get(name)!;
  const session = await openSession(
    modelOf(
      graph,
      outputs.map((name) => ({ name, ...info(name) })),
      opset,
    ),
    { optimization: 'disabled', threads: 1 },
  );
  const feeds: Record<string, Tensor> = {};
  for (const name of session.inputs) feeds[name] = filled(info(name).dtype, info(name).dims);
  const results = await session.run(feeds);
  await session.close();
  for (const name of outputs) {
    const { dtype, dims, data } = results[name]!;
    expect({ name, dtype, dims: [...dims] }).toEqual({ name, dtype: info(name).dtype, dims: [...info(name).dims] });
    const constant = inferred.constants.get(name);
    if (constant !== undefined)
      expect([name, Array.from(constant.data, Number)]).toEqual([name, Array.from(data, Number)]);
  }
  return inferred;
}
