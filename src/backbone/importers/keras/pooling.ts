/** Pooling over windows and over the whole image. */
import { z } from 'zod';
import { type Attributes, int } from '../../../onnx/model.ts';
import { configOf, type LayerCall, type LayerRule, named, spatialInput, type Value } from './layer.ts';
import { ChannelsLast, Padding, Pair, slide } from './window.ts';

const Config = z.object({
  pool_size: Pair.default([2, 2]),
  strides: Pair.nullish(),
  padding: Padding.default('valid'),
  data_format: ChannelsLast,
});

function windowed(op: string, extra: Attributes): LayerRule {
  return (call: LayerCall): Value => {
    const config = configOf(call, Config);
    const input = spatialInput(call);
    const { attributes, height, width } = slide(call, input, {
      kernel: config.pool_size,
      strides: config.strides ?? config.pool_size,
      padding: config.padding,
    });
    const { builder, output } = call;
    builder.add(op, [input.name], { ...attributes, ...extra }, named(output));
    return { name: output, dims: [input.channels, height, width] };
  };
}

export const maxPooling2D = windowed('MaxPool', {});
/** The mean over the pixels that exist: padding is not counted. */
export const averagePooling2D = windowed('AveragePool', { count_include_pad: int(0) });

const GlobalConfig = z.object({ data_format: ChannelsLast, keepdims: z.boolean().default(false) });

function global(op: string): LayerRule {
  return (call: LayerCall): Value => {
    const { keepdims } = configOf(call, GlobalConfig);
    const { name, channels } = spatialInput(call);
    const { builder, output } = call;
    if (keepdims) {
      builder.add(op, [name], {}, named(output));
      return { name: output, dims: [channels, 1, 1] };
    }
    const pooled = builder.add(op, [name], {}, { name: `${output}/pool` });
    builder.add('Flatten', [pooled], { axis: int(1) }, named(output));
    return { name: output, dims: [channels] };
  };
}

export const globalAveragePooling2D = global('GlobalAveragePool');
export const globalMaxPooling2D = global('GlobalMaxPool');
