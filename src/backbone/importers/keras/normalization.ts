/** BatchNormalization → BatchNormalization, kept apart from the convolution before it. */
import { z } from 'zod';
import { ModelError } from '../../../core/errors.ts';
import { float } from '../../../onnx/model.ts';
import { addFilled, addWeight, configOf, type LayerCall, named, onlyInput, type Value, whereOf } from './layer.ts';

const Config = z.object({
  axis: z.union([z.int(), z.tuple([z.int()]).transform(([axis]) => axis)]).default(-1),
  epsilon: z.number().default(1e-3),
  center: z.boolean().default(true),
  scale: z.boolean().default(true),
});

/** y = γ (x − μ) / √(σ² + ε) + β, with γ = 1 where the layer has no scale and β = 0 where it has no centre. */
export function batchNormalization(call: LayerCall): Value {
  const config = configOf(call, Config);
  const { name, dims } = onlyInput(call);
  if (config.axis !== -1 && config.axis !== dims.length)
    throw new ModelError('keras/axis', `${whereOf(call)}: expected the last axis, got ${config.axis}`);
  const channels = [dims[0]!];
  const { builder, output } = call;
  builder.add(
    'BatchNormalization',
    [
      name,
      config.scale ? addWeight(call, 'gamma', channels) : addFilled(call, 'gamma', dims[0]!, 1),
      config.center ? addWeight(call, 'beta', channels) : addFilled(call, 'beta', dims[0]!, 0),
      addWeight(call, 'moving_mean', channels),
      addWeight(call, 'moving_variance', channels),
    ],
    { epsilon: float(config.epsilon) },
    named(output),
  );
  return { name: output, dims };
}
