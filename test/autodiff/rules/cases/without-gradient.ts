import { type Attributes, float32, int, int64, type Tensor } from '../../../../src/onnx/model.ts';
import type { Cases } from './values.ts';
import { spaced, uniform } from './values.ts';

const x = spaced([2, 3, 4]);
const bools = (data: readonly number[]): Tensor => ({
  dtype: 'bool',
  dims: [data.length],
  data: Uint8Array.from(data),
});
const truth: Cases = [{ name: 'apart', inputs: [spaced([3, 4]), float32([0], [1])] }];
const logical: Cases = [{ name: 'all four', inputs: [bools([0, 0, 1, 1]), bools([0, 1, 0, 1])], fed: [0, 1] }];
const floats: Cases = [{ name: 'no gradient', inputs: [x] }];
const made = (inputs: readonly Tensor[], attributes: Attributes = {}): Cases => [
  { name: 'from constants', inputs, fixed: inputs.map((_, i) => i), attributes },
];

/** Operators whose outputs are whole numbers, truth values or constants: finite differences are 0 too. */
export const withoutGradient = {
  Equal: truth,
  Greater: truth,
  GreaterOrEqual: truth,
  Less: truth,
  LessOrEqual: truth,
  And: logical,
  Or: logical,
  Xor: logical,
  Not: [{ name: 'both', inputs: [bools([0, 1])], fed: [0] }],
  IsNaN: floats,
  IsInf: floats,
  ArgMax: [{ name: 'middle axis', inputs: [x], attributes: { axis: int(1) } }],
  ArgMin: [{ name: 'last axis, dropped', inputs: [x], attributes: { axis: int(-1), keepdims: int(0) } }],
  NonZero: made([float32([0, 1, 2, 0], [2, 2])]),
  Shape: floats,
  Size: floats,
  Constant: made([], { value: { kind: 'tensor', value: uniform([2, 2]) } }),
  ConstantOfShape: made([int64([2, 3])]),
  Range: made([float32([1], []), float32([3], []), float32([0.5], [])]),
  EyeLike: [{ name: 'of the same type', inputs: [uniform([3, 4])], attributes: { k: int(1) } }],
  RandomNormal: made([], { shape: { kind: 'ints', value: [2, 2] } }),
  RandomUniform: made([], { shape: { kind: 'ints', value: [2, 2] } }),
  RandomNormalLike: made([x]),
  RandomUniformLike: made([x]),
  Bernoulli: made([uniform([4], 1, 0, 1)]),
} satisfies Record<string, Cases>;
