/** Which weights a layer has. */
import { z } from 'zod';

const Flag = z.boolean().default(true);
const Flags = z
  .object({ use_bias: Flag, scale: Flag, center: Flag })
  .catch({ use_bias: true, scale: true, center: true });

/** Names of a layer's weights in the order Keras keeps them in; none for a layer without, or of an unknown type. */
export function weightNames(type: string, config: unknown): readonly string[] {
  const { use_bias, scale, center } = Flags.parse(config);
  const bias = use_bias ? ['bias'] : [];
  switch (type) {
    case 'Conv2D':
    case 'Dense':
      return ['kernel', ...bias];
    case 'DepthwiseConv2D':
      return ['depthwise_kernel', ...bias];
    case 'SeparableConv2D':
      return ['depthwise_kernel', 'pointwise_kernel', ...bias];
    case 'BatchNormalization':
      return [...(scale ? ['gamma'] : []), ...(center ? ['beta'] : []), 'moving_mean', 'moving_variance'];
    default:
      return [];
  }
}
