/** Conv2D, DepthwiseConv2D, SeparableConv2D → Conv. Kernels HWIO → OIHW. */
import { z } from 'zod';
import { int } from '../../../onnx/model.ts';
import { ActivationName, activate } from './activation.ts';
import { addWeight, configOf, type LayerCall, named, type SpatialInput, spatialInput, type Value } from './layer.ts';
import { ChannelsLast, Padding, Pair, slide } from './window.ts';

const Convolution = z.object({
  kernel_size: Pair,
  strides: Pair.default([1, 1]),
  padding: Padding.default('valid'),
  dilation_rate: Pair.default([1, 1]),
  data_format: ChannelsLast,
  use_bias: z.boolean().default(true),
  activation: ActivationName,
});
const Full = Convolution.extend({ filters: z.int().min(1), groups: z.int().min(1).default(1) });
const Depthwise = Convolution.extend({ depth_multiplier: z.int().min(1).default(1) });
const Separable = Depthwise.extend({ filters: z.int().min(1) });

export function conv2D(call: LayerCall): Value {
  const config = configOf(call, Full);
  const input = spatialInput(call);
  const [h, w] = config.kernel_size;
  const kernel = addWeight(call, 'kernel', [h, w, input.channels / config.groups, config.filters], [3, 2, 0, 1]);
  return convolve(call, input, config, { kernel, groups: config.groups, channels: config.filters });
}

/** One filter, or `depth_multiplier` of them, per input channel: HWCM → [C·M, 1, H, W], C groups. */
export function depthwiseConv2D(call: LayerCall): Value {
  const config = configOf(call, Depthwise);
  const input = spatialInput(call);
  return convolve(call, input, config, depthwise(call, input, config));
}

/** A depthwise convolution without bias, then a 1×1 convolution. */
export function separableConv2D(call: LayerCall): Value {
  const config = configOf(call, Separable);
  const input = spatialInput(call);
  const first = depthwise(call, input, config);
  const plain = { ...config, use_bias: false, activation: 'linear' as const };
  const between = convolve({ ...call, output: `${call.output}/depthwise` }, input, plain, first);
  const [channels, height, width] = between.dims;
  const kernel = addWeight(call, 'pointwise_kernel', [1, 1, first.channels, config.filters], [3, 2, 0, 1]);
  return convolve(
    call,
    { name: between.name, channels: channels!, height: height!, width: width! },
    { ...config, kernel_size: [1, 1], strides: [1, 1], dilation_rate: [1, 1], padding: 'valid' },
    { kernel, groups: 1, channels: config.filters },
  );
}

interface Filters {
  readonly kernel: string;
  readonly groups: number;
  readonly channels: number;
}

function depthwise(call: LayerCall, { channels }: SpatialInput, config: z.output<typeof Depthwise>): Filters {
  const [h, w] = config.kernel_size;
  const multiplier = config.depth_multiplier;
  const kernel = addWeight(
    call,
    'depthwise_kernel',
    [h, w, channels, multiplier],
    [2, 3, 0, 1],
    [channels * multiplier, 1, h, w],
  );
  return { kernel, groups: channels, channels: channels * multiplier };
}

function convolve(
  call: LayerCall,
  input: SpatialInput,
  config: z.output<typeof Convolution>,
  { kernel, groups, channels }: Filters,
): Value {
  const { attributes, height, width } = slide(call, input, {
    kernel: config.kernel_size,
    strides: config.strides,
    dilations: config.dilation_rate,
    padding: config.padding,
  });
  const inputs = [input.name, kernel, ...(config.use_bias ? [addWeight(call, 'bias', [channels])] : [])];
  const dims = [channels, height, width];
  const linear = config.activation === 'linear';
  const output = linear ? call.output : `${call.output}/linear`;
  const name = call.builder.add('Conv', inputs, { ...attributes, group: int(groups) }, named(output));
  return linear ? { name, dims } : activate(call, config.activation, { name, dims });
}
