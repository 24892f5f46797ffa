/** Activation, ReLU, LeakyReLU, Softmax, and the `activation` of layers that have one. */
import { z } from 'zod';
import { ModelError } from '../../../core/errors.ts';
import { type Attributes, float, int, scalar } from '../../../onnx/model.ts';
import { configOf, type LayerCall, named, onlyInput, type Value, whereOf } from './layer.ts';

/** Functions with one ONNX operator. */
const OPERATORS = {
  relu: ['Relu', {}],
  sigmoid: ['Sigmoid', {}],
  // max(0, min(1, 0.2 x + 0.5)), as in Keras 2.
  hard_sigmoid: ['HardSigmoid', { alpha: float(0.2), beta: float(0.5) }],
  tanh: ['Tanh', {}],
  elu: ['Elu', {}],
  selu: ['Selu', {}],
  softplus: ['Softplus', {}],
  softsign: ['Softsign', {}],
  // Keras's last axis is the channel; it is axis 1 here, also of images.
  softmax: ['Softmax', { axis: int(1) }],
} as const satisfies Readonly<Record<string, readonly [string, Attributes]>>;

const NAMES = ['linear', 'relu6', 'swish', 'relu', 'sigmoid', 'hard_sigmoid', 'tanh', 'elu', 'selu'] as const;

export const ActivationName = z
  .enum([...NAMES, 'softplus', 'softsign', 'softmax'])
  .nullish()
  .transform((name) => name ?? 'linear');

export type Activation = z.output<typeof ActivationName>;

/** Applies a function; the result is the tensor `call.output`. */
export function activate(call: LayerCall, activation: Activation, { name, dims }: Value): Value {
  const { builder, output } = call;
  const options = named(output);
  switch (activation) {
    case 'linear':
      builder.add('Identity', [name], {}, options);
      break;
    case 'relu6':
      clip(call, name, 6);
      break;
    case 'swish': {
      // x · σ(x)
      const gate = builder.add('Sigmoid', [name], {}, { name: `${output}/sigmoid` });
      builder.add('Mul', [name, gate], {}, options);
      break;
    }
    default: {
      const [op, attributes] = OPERATORS[activation];
      builder.add(op, [name], attributes, options);
    }
  }
  return { name: output, dims };
}

export function activation(call: LayerCall): Value {
  return activate(call, configOf(call, z.object({ activation: ActivationName })).activation, onlyInput(call));
}

const ReluConfig = z.object({
  max_value: z.number().nullish(),
  negative_slope: z.number().default(0),
  threshold: z.literal(0).default(0),
});

/** max(0, x), cut off at `max_value` where there is one; or with a slope below 0. */
export function relu(call: LayerCall): Value {
  const config = configOf(call, ReluConfig);
  const input = onlyInput(call);
  const limit = config.max_value ?? undefined;
  if (config.negative_slope !== 0) {
    if (limit !== undefined)
      throw new ModelError('keras/relu', `${whereOf(call)}: max_value together with negative_slope is not supported`);
    return leaky(call, input, config.negative_slope);
  }
  if (limit === undefined) return activate(call, 'relu', input);
  clip(call, input.name, limit);
  return { name: call.output, dims: input.dims };
}

export function leakyRelu(call: LayerCall): Value {
  return leaky(call, onlyInput(call), configOf(call, z.object({ alpha: z.number().default(0.3) })).alpha);
}

export function softmax(call: LayerCall): Value {
  const input = onlyInput(call);
  const { axis } = configOf(call, z.object({ axis: z.int().default(-1) }));
  if (axis !== -1 && axis !== input.dims.length)
    throw new ModelError('keras/axis', `${whereOf(call)}: expected the last axis, got ${axis}`);
  return activate(call, 'softmax', input);
}

function leaky({ builder, output }: LayerCall, { name, dims }: Value, slope: number): Value {
  builder.add('LeakyRelu', [name], { alpha: float(slope) }, named(output));
  return { name: output, dims };
}

/** min(max(x, 0), limit). The bounds are shared between layers. */
function clip({ builder, output }: LayerCall, name: string, limit: number): void {
  const low = builder.constant(scalar(0), 'clip/0');
  const high = builder.constant(scalar(limit), `clip/${limit}`);
  builder.add('Clip', [name, low, high], {}, named(output));
}
