import { float, float32, int, ints } from '../../../../src/onnx/model.ts';
import { type Cases, spaced, uniform } from './values.ts';

const image = uniform([2, 3, 3, 2], 1);
const scale = uniform([3], 2, 0.5, 1.5);
const bias = uniform([3], 3);
const mean = uniform([3], 4);
const variance = uniform([3], 5, 0.5, 1.5);

/** Normalisations. Layout NCHW. */
export const normalization = {
  BatchNormalization: [
    {
      name: 'stored moments',
      inputs: [image, scale, bias, mean, variance],
      fixed: [3, 4],
      attributes: { epsilon: float(1e-3) },
    },
    {
      name: 'stored moments, features',
      inputs: [uniform([4, 3], 1), float32([0, 1, -2], [3]), bias, mean, variance],
      fixed: [3, 4],
    },
    {
      name: 'moments of the batch',
      inputs: [image, scale, bias, mean, variance],
      fixed: [3, 4],
      outputs: 3,
      attributes: { training_mode: int(1), epsilon: float(0.01) },
    },
    {
      name: 'moments of the batch, features',
      inputs: [uniform([5, 3], 1), scale, bias, mean, variance],
      fixed: [3, 4],
      outputs: 3,
      attributes: { training_mode: int(1), epsilon: float(0.01) },
    },
    { name: 'stored moments that vary too', inputs: [image, scale, bias, mean, variance] },
    {
      name: 'a volume',
      inputs: [uniform([1, 2, 2, 1, 3]), ...[2, 3, 4].map((s) => uniform([2], s)), uniform([2], 5, 0.5, 1.5)],
    },
    { name: 'stored moments, operator set 13', inputs: [image, scale, bias, mean, variance], fixed: [3, 4], opset: 13 },
    {
      name: 'the loss depends on the running moments',
      inputs: [image, scale, bias, mean, variance],
      outputs: 3,
      lossOf: [0, 1, 2],
      attributes: { training_mode: int(1), epsilon: float(0.01), momentum: float(0.7) },
    },
    {
      name: 'the loss depends on a running moment alone',
      inputs: [image, scale, bias, mean, variance],
      outputs: 3,
      lossOf: [2],
      attributes: { training_mode: int(1) },
    },
  ],
  LayerNormalization: [
    { name: 'last axis', inputs: [uniform([2, 3, 6], 1), uniform([6], 2), uniform([6], 3)] },
    {
      name: 'last two axes',
      inputs: [uniform([2, 3, 4], 1), uniform([3, 4], 2), uniform([3, 4], 3)],
      attributes: { axis: int(1), epsilon: float(0.01) },
    },
    { name: 'no bias', inputs: [uniform([2, 5], 1), uniform([5], 2)] },
    {
      name: 'the loss depends on the moments',
      inputs: [uniform([2, 3, 6], 1), uniform([6], 2), uniform([6], 3)],
      outputs: 3,
      lossOf: [0, 1, 2],
      attributes: { epsilon: float(0.1) },
    },
    {
      name: 'the loss depends on the mean alone',
      inputs: [uniform([2, 3], 1), uniform([3], 2)],
      outputs: 3,
      lossOf: [1],
    },
  ],
  InstanceNormalization: [
    { name: 'images', inputs: [image, scale, bias], attributes: { epsilon: float(0.01) } },
    { name: 'sequences', inputs: [uniform([2, 3, 5], 1), scale, bias], attributes: { epsilon: float(0.01) } },
  ],
  GroupNormalization: [
    {
      name: 'one scale per channel, operator set 21',
      inputs: [uniform([2, 6, 2, 3], 1), uniform([6], 2), uniform([6], 3)],
      attributes: { num_groups: int(3), epsilon: float(0.01) },
      opset: 21,
    },
    {
      name: 'one group, a sequence',
      inputs: [uniform([2, 3, 4], 1), uniform([3], 2), uniform([3], 3)],
      attributes: { num_groups: int(1), epsilon: float(0.01) },
      opset: 21,
    },
    {
      name: 'a group per channel',
      inputs: [uniform([1, 3, 2, 2], 1), uniform([3], 2), uniform([3], 3)],
      attributes: { num_groups: int(3), epsilon: float(0.01) },
      opset: 21,
    },
    ...[18, 20].map((opset) => ({
      name: `one scale per group, operator set ${opset}`,
      inputs: [uniform([2, 6, 2, 3], 1), uniform([3], 2), uniform([3], 3)],
      attributes: { num_groups: int(3), epsilon: float(0.01) },
      opset,
    })),
  ],
  RMSNormalization: [
    { name: 'last axis', inputs: [uniform([2, 3, 5], 1), uniform([5], 2)], opset: 23 },
    {
      name: 'last two axes, one scale for all rows',
      inputs: [uniform([2, 3, 4], 1), uniform([4], 2)],
      attributes: { axis: int(1), epsilon: float(0.01) },
      opset: 23,
    },
    { name: 'one scale', inputs: [uniform([2, 4], 1), uniform([1], 2)], opset: 23 },
  ],
  MeanVarianceNormalization: [
    { name: 'images', inputs: [image] },
    { name: 'each image by itself', inputs: [image], attributes: { axes: ints([1, 2, 3]) } },
    { name: 'negative axis', inputs: [uniform([3, 5])], attributes: { axes: ints([-1]) } },
  ],
  LpNormalization: [
    { name: 'rows of length 1', inputs: [uniform([3, 4], 1, 0.3, 1)] },
    { name: 'channels', inputs: [image], attributes: { axis: int(1) } },
    { name: 'absolute values', inputs: [spaced([3, 4])], attributes: { p: int(1), axis: int(0) } },
  ],
  LRN: [
    { name: 'default', inputs: [image], attributes: { size: int(3) } },
    {
      name: 'strong',
      inputs: [uniform([2, 5, 2, 2])],
      attributes: { size: int(3), alpha: float(0.9), beta: float(0.6), bias: float(1.3) },
    },
    { name: 'wider than the channels', inputs: [uniform([1, 3, 2, 1])], attributes: { size: int(7), alpha: float(1) } },
  ],
} satisfies Record<string, Cases>;
