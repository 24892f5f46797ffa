/** Every Keras layer that can be imported, one row each. */
import { activation, leakyRelu, relu, softmax } from './activation.ts';
import { conv2D, depthwiseConv2D, separableConv2D } from './convolution.ts';
import { dense } from './dense.ts';
import type { LayerRule } from './layer.ts';
import { add, concatenate, multiply } from './merge.ts';
import { batchNormalization } from './normalization.ts';
import { averagePooling2D, globalAveragePooling2D, globalMaxPooling2D, maxPooling2D } from './pooling.ts';
import { flatten, identity, reshape, zeroPadding2D } from './shape.ts';

export const LAYERS: ReadonlyMap<string, LayerRule> = new Map(
  Object.entries({
    Activation: activation,
    Add: add,
    AveragePooling2D: averagePooling2D,
    BatchNormalization: batchNormalization,
    Concatenate: concatenate,
    Conv2D: conv2D,
    Dense: dense,
    DepthwiseConv2D: depthwiseConv2D,
    Dropout: identity,
    Flatten: flatten,
    GlobalAveragePooling2D: globalAveragePooling2D,
    GlobalMaxPooling2D: globalMaxPooling2D,
    LeakyReLU: leakyRelu,
    MaxPooling2D: maxPooling2D,
    Multiply: multiply,
    ReLU: relu,
    Reshape: reshape,
    SeparableConv2D: separableConv2D,
    Softmax: softmax,
    SpatialDropout2D: identity,
    ZeroPadding2D: zeroPadding2D,
  }),
);
