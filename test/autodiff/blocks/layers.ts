/** Layers of scripts/golden/blocks.py as ONNX nodes. Weights are made by name. */
import { type GraphBuilder, graphBuilder } from '../../../src/onnx/builder.ts';
import { type Attributes, float, type Graph, int, ints, scalar, type Tensor } from '../../../src/onnx/model.ts';
import { formulaValues } from '../golden-values.ts';

/** Name of a block's input and of its loss. */
export const INPUT = 'block_in';
export const LOSS = 'loss';

/** A block whose loss is Σ c · Y, c a random tensor. */
export interface Block {
  readonly graph: Graph;
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** The weights that are trained, and the input. */
  readonly wrt: readonly string[];
}

/** Form of an operator: its own, or the elementary ones that exporters write where the operator set has none. */
export type Form = 'operator' | 'decomposed';

export interface ConvOptions {
  readonly stride?: number;
  readonly pad?: number;
  readonly groups?: number;
  readonly bias?: boolean;
}

export interface Layers {
  readonly b: GraphBuilder;
  weight(name: string, dims: readonly number[], low: number, high: number): string;
  conv(
    x: string,
    name: string,
    channels: readonly [from: number, to: number],
    kernel: number,
    options?: ConvOptions,
  ): string;
  /** Inference, or over the batch. */
  batchNorm(x: string, name: string, channels: number, training?: boolean): string;
  layerNorm(x: string, name: string, size: number, form?: Form): string;
  /** X·W + b over the last axis. */
  linear(x: string, name: string, from: number, to: number): string;
  gelu(x: string, form?: Form): string;
  op(op: string, inputs: readonly string[], attributes?: Attributes): string;
  reshape(x: string, dims: readonly number[]): string;
  transpose(x: string, perm: readonly number[]): string;
  finish(y: string, inputDims: readonly number[], outputDims: readonly number[]): Block;
}

export function layers(seed: number): Layers {
  const b = graphBuilder();
  const trained: string[] = [];
  const constant = (name: string, dims: readonly number[], low: number, high: number): string =>
    b.constant(formulaValues(name, seed, dims, low, high), name);
  const weight: Layers['weight'] = (name, dims, low, high) => {
    trained.push(name);
    return constant(name, dims, low, high);
  };
  const op: Layers['op'] = (name, inputs, attributes = {}) => b.add(name, inputs, attributes);
  const width = (fan: number): number => Math.sqrt(3 / fan);

  return {
    b,
    weight,
    op,
    reshape: (x, dims) => op('Reshape', [x, b.ints(dims)]),
    transpose: (x, perm) => op('Transpose', [x], { perm: ints(perm) }),
    conv: (x, name, [from, to], kernel, { stride = 1, pad = 0, groups = 1, bias = true } = {}) => {
      const limit = width((from / groups) * kernel * kernel);
      const w = weight(`${name}/kernel`, [to, from / groups, kernel, kernel], -limit, limit);
      return op('Conv', bias ? [x, w, weight(`${name}/bias`, [to], -0.3, 0.3)] : [x, w], {
        kernel_shape: ints([kernel, kernel]),
        strides: ints([stride, stride]),
        pads: ints([pad, pad, pad, pad]),
        group: int(groups),
      });
    },
    batchNorm: (x, name, n, training = false) => {
      const inputs = [
        x,
        weight(`${name}/gamma`, [n], 0.5, 1.5),
        weight(`${name}/beta`, [n], -0.3, 0.3),
        constant(`${name}/mean`, [n], -0.3, 0.3),
        constant(`${name}/variance`, [n], 0.5, 1.5),
      ];
      const epsilon = float(1e-3);
      if (!training) return op('BatchNormalization', inputs, { epsilon });
      return b.addMany('BatchNormalization', inputs, 3, { epsilon, training_mode: int(1) })[0]!;
    },
    layerNorm: (x, name, n, form = 'operator') => {
      const gamma = weight(`${name}/gamma`, [n], 0.5, 1.5);
      const beta = weight(`${name}/beta`, [n], -0.3, 0.3);
      if (form === 'operator') return op('LayerNormalization', [x, gamma, beta], { epsilon: float(1e-5) });
      const mean = (t: string): string => op('ReduceMean', [t, b.ints([-1])]);
      const centred = op('Sub', [x, mean(x)]);
      const variance = mean(op('Pow', [centred, b.constant(scalar(2))]));
      const deviation = op('Sqrt', [op('Add', [variance, b.constant(scalar(1e-5))])]);
      return op('Add', [op('Mul', [op('Div', [centred, deviation]), gamma]), beta]);
    },
    linear: (x, name, from, to) => {
      const w = weight(`${name}/kernel`, [from, to], -width(from), width(from));
      return op('Add', [op('MatMul', [x, w]), weight(`${name}/bias`, [to], -0.3, 0.3)]);
    },
    gelu: (x, form = 'operator') => {
      if (form === 'operator') return op('Gelu', [x]);
      const erf = op('Erf', [op('Div', [x, b.constant(scalar(Math.SQRT2))])]);
      return op('Mul', [op('Mul', [x, op('Add', [erf, b.constant(scalar(1))])]), b.constant(scalar(0.5))]);
    },
    finish: (y, inputDims, outputDims) => {
      const weighed = op('Mul', [y, constant('loss/weights', outputDims, -1, 1)]);
      b.add('ReduceSum', [weighed], { keepdims: int(0) }, { output: LOSS });
      return {
        graph: b.graph(
          [{ name: INPUT, dtype: 'float32', dims: inputDims }],
          [{ name: LOSS, dtype: 'float32', dims: [] }],
        ),
        feeds: { [INPUT]: formulaValues(INPUT, seed, inputDims, -1.5, 1.5) },
        wrt: [INPUT, ...trained],
      };
    },
  };
}
