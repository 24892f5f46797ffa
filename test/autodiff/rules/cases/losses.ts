import { type Attributes, int, int64, string, type Tensor } from '../../../../src/onnx/model.ts';
import { type Cases, uniform } from './values.ts';

const REDUCTIONS = ['none', 'sum', 'mean'] as const;
const int32 = (data: readonly number[]): Tensor => ({
  dtype: 'int32',
  dims: [data.length],
  data: Int32Array.from(data),
});

/** Four rows of three classes, and two maps of 2 × 2 of three classes. */
const rows = uniform([4, 3], 1, -1, 1);
const labels = int64([2, 0, 1, 2]);
const maps = uniform([2, 3, 2, 2], 2, -1, 1);
const mapLabels = int64([0, 2, 1, 1, 2, 0, 0, 1], [2, 2, 2]);
const weights = uniform([3], 3, 0.4, 1.6);

const classLosses = (): Cases => {
  const one = (name: string, inputs: readonly Tensor[], attributes: Attributes = {}) => ({ name, inputs, attributes });
  const reduced = (name: string, inputs: readonly Tensor[], attributes: Attributes = {}) =>
    REDUCTIONS.map((r) => one(`${name}, ${r}`, inputs, { ...attributes, reduction: string(r) }));
  return [
    one('default', [rows, labels]),
    ...reduced('rows', [rows, labels]),
    ...reduced('rows, weights', [rows, labels, weights]),
    ...reduced('maps, weights', [maps, mapLabels, weights]),
    ...reduced('a class ignored', [rows, labels, weights], { ignore_index: int(2) }),
    ...reduced('a label outside ignored', [rows, int64([255, 0, 1, 255])], { ignore_index: int(255) }),
    ...reduced('a negative label ignored', [maps, int64([0, -1, 1, 1, 2, -1, 0, 1], [2, 2, 2]), weights], {
      ignore_index: int(-1),
    }),
    one('labels of 32 bits', [rows, int32([2, 0, 1, 2])]),
    { ...one('labels that are fed', [rows, labels, weights]), fed: [1] },
    { ...one('operator set 13', [rows, labels, weights]), opset: 13 },
    one('one class', [uniform([2, 1], 1), int64([0, 0])]),
  ];
};

/** Losses by class. Scores [N, C, d…], labels [N, d…]. */
export const losses = {
  NegativeLogLikelihoodLoss: classLosses(),
  SoftmaxCrossEntropyLoss: [
    ...classLosses(),
    {
      name: 'the loss depends on the log-probabilities too',
      inputs: [maps, mapLabels, weights],
      outputs: 2,
      lossOf: [0, 1],
    },
    { name: 'the loss depends on the log-probabilities alone', inputs: [rows, labels], outputs: 2, lossOf: [1] },
  ],
} satisfies Record<string, Cases>;
