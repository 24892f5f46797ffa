/** Layers with weights, named as PyTorch names its modules. A layer's result has the layer's name. */
import { float, int, ints } from '../../onnx/model.ts';
import type { Net, Value } from './net.ts';

type Pair = number | readonly [height: number, width: number];

const pair = (size: Pair): readonly [number, number] => (typeof size === 'number' ? [size, size] : size);

/** A node whose result is exactly that. Its own name differs, lest it takes the name of another layer. */
export const named = (output: string, op: string): { readonly name: string; readonly output: string } => ({
  name: `${output}/${op}`,
  output,
});

export interface ConvOptions {
  readonly kernel: Pair;
  /** Default 1. */
  readonly stride?: number;
  /** Zeros around the image. Default 0. */
  readonly padding?: Pair;
  /** Default 1; `depthwise` is one filter per channel. */
  readonly groups?: number | 'depthwise';
  readonly bias?: boolean;
}

/** NCHW. The number of filters is that of the weights. */
export function conv(net: Net, x: Value, prefix: string, options: ConvOptions): Value {
  const { kernel, stride = 1, padding = 0, groups = 1, bias = false } = options;
  const [height, width] = pair(kernel);
  const [top, left] = pair(padding);
  const weight = `${prefix}.weight`;
  const channels = net.state.get(weight)?.dims[0];
  const depthwise = groups === 'depthwise';
  const group = depthwise ? (x.channels ?? 1) : groups;
  const depth = x.channels === undefined ? undefined : x.channels / group;
  net.weight(weight, [depthwise ? x.channels : undefined, depth, height, width]);
  const inputs = [x.name, weight, ...(bias ? [net.weight(`${prefix}.bias`, [channels])] : [])];
  const attributes = {
    kernel_shape: ints([height, width]),
    strides: ints([stride, stride]),
    pads: ints([top, left, top, left]),
    group: int(group),
  };
  return { name: net.builder.add('Conv', inputs, attributes, named(prefix, 'Conv')), channels };
}

/** y = γ (x − μ) / √(σ² + ε) + β per channel, with stored statistics. */
export function batchNorm(net: Net, x: Value, prefix: string, epsilon = 1e-5): Value {
  const parts = ['weight', 'bias', 'running_mean', 'running_var'];
  const inputs = [x.name, ...parts.map((part) => net.weight(`${prefix}.${part}`, [x.channels]))];
  const name = net.builder.add(
    'BatchNormalization',
    inputs,
    { epsilon: float(epsilon) },
    named(prefix, 'BatchNormalization'),
  );
  return { name, channels: x.channels };
}

/** Mean 0 and deviation 1 over the last axis, then scale and shift. */
export function layerNorm(net: Net, x: Value, prefix: string, epsilon: number): Value {
  const inputs = [x.name, ...['weight', 'bias'].map((part) => net.weight(`${prefix}.${part}`, [x.channels]))];
  const attributes = { axis: int(-1), epsilon: float(epsilon) };
  return {
    name: net.builder.add('LayerNormalization', inputs, attributes, named(prefix, 'LayerNormalization')),
    channels: x.channels,
  };
}

/** [rows, in] → [rows, out]: x Wᵀ + b. @param output name of the result; default the prefix */
export function linear(net: Net, x: Value, prefix: string, output: string = prefix): Value {
  const channels = net.state.get(`${prefix}.weight`)?.dims[0];
  return gemm(net, x, [`${prefix}.weight`, `${prefix}.bias`], channels, output);
}

/** x Wᵀ + b with weights of any names. */
export function gemm(
  net: Net,
  x: Value,
  [weight, bias]: readonly [string, string],
  channels: number | undefined,
  output: string,
): Value {
  const inputs = [x.name, net.weight(weight, [channels, x.channels]), net.weight(bias, [channels])];
  return { name: net.builder.add('Gemm', inputs, { transB: int(1) }, named(output, 'Gemm')), channels };
}

/**
 * The classifier's weights are there, or some of them and no others. Those of another classifier are left out, since
 * every task brings its own.
 *
 * @param prefix what the names of all classifiers of the network begin with
 * @param names the weights of the usual one
 */
export function hasClassifier(net: Net, prefix: string, names: readonly string[]): boolean {
  const there = [...net.state.keys()].filter((name) => name.startsWith(prefix));
  if (there.length > 0 && there.every((name) => names.includes(name))) return true;
  net.ignore(prefix);
  return false;
}

/** Weight and bias of layers. */
export const weightsOf = (...prefixes: readonly string[]): string[] =>
  prefixes.flatMap((prefix) => [`${prefix}.weight`, `${prefix}.bias`]);
