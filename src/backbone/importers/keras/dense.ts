/** Dense → Gemm. */
import { z } from 'zod';
import { ShapeError } from '../../../core/errors.ts';
import { ActivationName, activate } from './activation.ts';
import { addWeight, configOf, type LayerCall, named, onlyInput, type Value, whereOf } from './layer.ts';

const Config = z.object({
  units: z.int().min(1),
  use_bias: z.boolean().default(true),
  activation: ActivationName,
});

/** y = x W + b on vectors, W [in, out]. */
export function dense(call: LayerCall): Value {
  const { units, use_bias, activation } = configOf(call, Config);
  const { name, dims } = onlyInput(call);
  if (dims.length !== 1)
    throw new ShapeError('keras/rank', `${whereOf(call)}: expected vectors [C], got [${dims.join(', ')}]`);
  const inputs = [name, addWeight(call, 'kernel', [dims[0]!, units])];
  if (use_bias) inputs.push(addWeight(call, 'bias', [units]));
  const linear = activation === 'linear';
  const output = linear ? call.output : `${call.output}/linear`;
  call.builder.add('Gemm', inputs, {}, named(output));
  const result = { name: output, dims: [units] };
  return linear ? result : activate(call, activation, result);
}
