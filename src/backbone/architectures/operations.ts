/** What networks do without weights. */
import { type Attributes, float, int, ints, scalar } from '../../onnx/model.ts';
import { named } from './layers.ts';
import type { Net, Value } from './net.ts';

export type Activation = 'relu' | 'relu6' | 'silu' | 'hardswish' | 'gelu';

/** @param output name of the result; default the input's with the function's added */
export function activate(net: Net, x: Value, kind: Activation, output = `${x.name}/${kind}`): Value {
  const { builder } = net;
  const { name, channels } = x;
  switch (kind) {
    case 'relu':
      return { name: builder.add('Relu', [name], {}, named(output, 'Relu')), channels };
    case 'relu6':
      return { name: builder.add('Clip', [name, ...bounds(net)], {}, named(output, 'Clip')), channels };
    case 'hardswish':
      return { name: builder.add('HardSwish', [name], {}, named(output, 'HardSwish')), channels };
    case 'silu': {
      // x σ(x)
      const gate = builder.add('Sigmoid', [name], {}, named(`${output}/gate`, 'Sigmoid'));
      return { name: builder.add('Mul', [name, gate], {}, named(output, 'Mul')), channels };
    }
    case 'gelu': {
      // x (1 + erf(x / √2)) / 2, in the order that onnxruntime knows as one operator
      const erf = builder.add('Erf', [builder.add('Div', [name, builder.scalar(Math.SQRT2)])]);
      const twice = builder.add('Mul', [name, builder.add('Add', [erf, builder.scalar(1)])]);
      return { name: builder.add('Mul', [twice, builder.scalar(0.5)], {}, named(output, 'Mul')), channels };
    }
  }
}

/** The limits of ReLU6, shared. */
function bounds({ builder }: Net): readonly string[] {
  return ([0, 6] as const).map((limit) => {
    const name = `clip/${limit}`;
    return builder.initializers.has(name) ? name : builder.constant(scalar(limit), name);
  });
}

export function add(net: Net, a: Value, b: Value, output: string): Value {
  if (a.channels !== undefined && b.channels !== undefined && a.channels !== b.channels)
    net.problem(`${output}: expected a sum of equal channels, got ${a.channels} and ${b.channels}`);
  return { name: net.builder.add('Add', [a.name, b.name], {}, named(output, 'Add')), channels: a.channels };
}

/** Channels of several images side by side. */
export function concat(net: Net, parts: readonly Value[], output: string): Value {
  const names = parts.map((part) => part.name);
  const channels = parts.reduce<number | undefined>(
    (sum, part) => (sum === undefined || part.channels === undefined ? undefined : sum + part.channels),
    0,
  );
  return { name: net.builder.add('Concat', names, { axis: int(1) }, named(output, 'Concat')), channels };
}

export interface PoolOptions {
  readonly kernel: number;
  readonly stride: number;
  /** Default 0. */
  readonly padding?: number;
}

export function maxPool(net: Net, x: Value, options: PoolOptions, output: string): Value {
  return pool(net, x, 'MaxPool', options, {}, output);
}

/** The mean over each window, in which padding counts as zeros. */
export function averagePool(net: Net, x: Value, options: PoolOptions, output: string): Value {
  return pool(net, x, 'AveragePool', options, { count_include_pad: int(1) }, output);
}

function pool(net: Net, x: Value, op: string, options: PoolOptions, extra: Attributes, output: string): Value {
  const { kernel, stride, padding = 0 } = options;
  const attributes = {
    kernel_shape: ints([kernel, kernel]),
    strides: ints([stride, stride]),
    pads: ints([padding, padding, padding, padding]),
    ...extra,
  };
  return { name: net.builder.add(op, [x.name], attributes, named(output, op)), channels: x.channels };
}

/** [N, C, H, W] → [N, C]. */
export function globalPool(net: Net, x: Value): Value {
  const { builder } = net;
  const pooled = builder.add('GlobalAveragePool', [x.name], {}, named('avgpool', 'GlobalAveragePool'));
  return {
    name: builder.add('Flatten', [pooled], { axis: int(1) }, named('flatten', 'Flatten')),
    channels: x.channels,
  };
}

/** Axes in another order. */
export function transpose(net: Net, x: Value, perm: readonly number[], output: string, channels = x.channels): Value {
  return { name: net.builder.add('Transpose', [x.name], { perm: ints(perm) }, named(output, 'Transpose')), channels };
}

/** @param dims −1 for what is left, 0 for the same */
export function reshape(net: Net, x: Value, dims: readonly number[], channels = x.channels): Value {
  return {
    name: net.builder.add('Reshape', [x.name, net.builder.ints(dims)], {}, { name: `${x.name}/rows` }),
    channels,
  };
}

/** x · σ(…) per channel: the last step of a squeeze and excitation. */
export function weigh(net: Net, x: Value, gate: Value, output: string): Value {
  return { name: net.builder.add('Mul', [x.name, gate.name], {}, named(output, 'Mul')), channels: x.channels };
}

/** How strongly each channel of a squeeze and excitation passes. HardSigmoid is max(0, min(1, x/6 + 1/2)). */
export function gate(net: Net, x: Value, kind: 'sigmoid' | 'hardsigmoid'): Value {
  const hard = kind === 'hardsigmoid';
  const attributes = hard ? { alpha: float(1 / 6), beta: float(0.5) } : {};
  const op = hard ? 'HardSigmoid' : 'Sigmoid';
  return { name: net.builder.add(op, [x.name], attributes, named(`${x.name}/gate`, op)), channels: x.channels };
}
