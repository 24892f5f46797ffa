import { float, float32, int } from '../../../../src/onnx/model.ts';
import { type Cases, uniform } from './values.ts';

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
  ],
  LayerNormalization: [
    { name: 'last axis', inputs: [uniform([2, 3, 6], 1), uniform([6], 2), uniform([6], 3)] },
    {
      name: 'last two axes',
      inputs: [uniform([2, 3, 4], 1), uniform([3, 4], 2), uniform([3, 4], 3)],
      attributes: { axis: int(1), epsilon: float(0.01) },
    },
    { name: 'no bias', inputs: [uniform([2, 5], 1), uniform([5], 2)] },
  ],
  InstanceNormalization: [
    { name: 'images', inputs: [image, scale, bias], attributes: { epsilon: float(0.01) } },
    { name: 'sequences', inputs: [uniform([2, 3, 5], 1), scale, bias], attributes: { epsilon: float(0.01) } },
  ],
} satisfies Record<string, Cases>;
