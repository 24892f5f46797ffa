/** A random graph as plain JSON, which scripts/golden/random_graphs.py reads too. */
import { zeros } from '../../../src/onnx/data-types.ts';
import {
  type Attribute,
  type Attributes,
  float,
  type Graph,
  int,
  ints,
  string,
  type Tensor,
} from '../../../src/onnx/model.ts';
import { formulaValues } from '../golden-values.ts';

/** Shape of a float tensor and the range [low, high) of its values, which `formulaValues` makes from its name. */
export type Formula = readonly [dims: readonly number[], low: number, high: number];

/** Values that are given: axes, indices, masks, scales. */
export type Given = readonly [dtype: 'int64' | 'bool' | 'float32', dims: readonly number[], values: readonly number[]];

/** A number is an integer attribute; floats are marked. */
export type Field = number | string | readonly number[] | { readonly float: number };

export type Fields = Readonly<Record<string, Field>>;

export type NodeDescription = readonly [
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Fields,
];

export interface Description {
  readonly seed: number;
  readonly inputs: Readonly<Record<string, Formula>>;
  readonly weights: Readonly<Record<string, Formula>>;
  readonly constants: Readonly<Record<string, Given>>;
  readonly nodes: readonly NodeDescription[];
  /** Tensors whose gradients are asked for. */
  readonly wrt: readonly string[];
}

/** The name of every graph's loss. */
export const LOSS = 'loss';

/** The ONNX graph of a description, and what is fed to it. */
export function graphOf(d: Description): { readonly graph: Graph; readonly feeds: Readonly<Record<string, Tensor>> } {
  const made = (formulas: Readonly<Record<string, Formula>>): [string, Tensor][] =>
    Object.entries(formulas).map(([name, [dims, low, high]]) => [name, formulaValues(name, d.seed, dims, low, high)]);
  const given = Object.entries(d.constants).map(([name, value]): [string, Tensor] => [name, givenTensor(value)]);
  const graph: Graph = {
    nodes: d.nodes.map(([op, inputs, outputs, fields], i) => ({
      op,
      domain: '',
      name: `node_${i}`,
      inputs,
      outputs,
      attributes: attributesOf(fields),
    })),
    inputs: Object.entries(d.inputs).map(([name, [dims]]) => ({ name, dtype: 'float32', dims })),
    outputs: [{ name: LOSS, dtype: 'float32', dims: [] }],
    initializers: new Map([...made(d.weights), ...given]),
  };
  return { graph, feeds: Object.fromEntries(made(d.inputs)) };
}

function givenTensor([dtype, dims, values]: Given): Tensor {
  const tensor = zeros(dtype, dims);
  if (tensor.dtype === 'int64') tensor.data.set(values.map(BigInt));
  else if (tensor.dtype === 'bool' || tensor.dtype === 'float32') tensor.data.set(values);
  return tensor;
}

export function attributesOf(fields: Fields): Attributes {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, attribute(field)]));
}

function attribute(field: Field): Attribute {
  if (typeof field === 'number') return int(field);
  if (typeof field === 'string') return string(field);
  return 'float' in field ? float(field.float) : ints(field);
}
