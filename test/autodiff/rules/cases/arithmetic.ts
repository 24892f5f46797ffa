import { float32, int, int64, scalar } from '../../../../src/onnx/model.ts';
import { numbersOf } from '../../../../src/onnx/shapes/context.ts';
import { type Cases, spaced, uniform } from './values.ts';

const a = uniform([2, 3, 4], 1);
const positive = (dims: readonly number[], seed: number) => uniform(dims, seed, 0.7, 2);

/** Every way two shapes can broadcast. */
const pairs = [
  ['same shape', [2, 3, 4], [2, 3, 4]],
  ['second lacks axes', [2, 3, 4], [3, 1]],
  ['first lacks axes', [4], [2, 3, 4]],
  ['each has a size 1', [2, 1, 4], [1, 3, 1]],
  ['second is a scalar', [2, 3], []],
  ['first is a scalar', [], [2, 3]],
  ['both of one element, ranks differ', [1, 1], [1]],
  ['a scalar and an image', [], [2, 2, 1, 3]],
  ['an image and one value per channel', [2, 3, 2, 2], [3, 1, 1]],
] as const;

const binary = (low: number, high: number): Cases => {
  const [first, ...rest] = pairs.map(([name, x, y]) => ({
    name,
    inputs: [uniform(x, 1, low, high), uniform(y, 2, low, high)],
  }));
  return [first!, ...rest];
};

/** Values of three tensors that never come close to one another. */
const distinct = (dims: readonly number[], offset: number) => {
  const values = numbersOf(spaced(dims, 3 + offset));
  return float32(
    values.map((v) => v + offset / 20),
    dims,
  );
};

/** Arithmetic of several tensors that broadcast together. */
export const arithmetic = {
  Add: binary(-1, 1),
  Sub: binary(-1, 1),
  Mul: binary(-1, 1),
  Div: binary(0.7, 2),
  Pow: [
    { name: 'both vary', inputs: [positive([2, 3], 1), positive([3], 2)] },
    { name: 'base broadcasts', inputs: [positive([3], 1), positive([2, 3], 2)] },
    { name: 'square', inputs: [a, scalar(2)], fixed: [1] },
    { name: 'cube', inputs: [a, scalar(3)], fixed: [1] },
    { name: 'square root', inputs: [positive([5], 1), scalar(0.5)], fixed: [1] },
    { name: 'exponents per column', inputs: [positive([2, 3], 1), float32([0, 1, -1.5], [3])], fixed: [1] },
    { name: 'exponent 0, base 0', inputs: [float32([0, 0.5], [2]), scalar(0)], fixed: [1] },
    { name: 'exponents 0 and 1, base 0', inputs: [float32([0, 0], [2]), float32([0, 1], [2])], fixed: [1] },
    { name: 'scalar base, an image of exponents', inputs: [positive([], 1), positive([1, 2, 2, 2], 2)] },
    { name: 'whole exponents', inputs: [positive([2, 3], 1), int64([2, 3, 1])] },
  ],
  Sum: [
    { name: 'one', inputs: [a] },
    { name: 'three, broadcast', inputs: [a, uniform([4], 2), uniform([2, 1, 1], 3)] },
  ],
  Mean: [
    { name: 'one', inputs: [a] },
    { name: 'three, broadcast', inputs: [a, uniform([4], 2), uniform([2, 1, 1], 3)] },
  ],
  Max: [
    { name: 'one', inputs: [a] },
    { name: 'two', inputs: [distinct([3, 5], 0), distinct([3, 5], 1)] },
    { name: 'three, broadcast', inputs: [distinct([3, 5], 0), distinct([5], 1), distinct([3, 1], 2)] },
    { name: 'an image and a scalar', inputs: [spaced([1, 2, 3, 2]), scalar(0)] },
  ],
  Min: [
    { name: 'two', inputs: [distinct([3, 5], 0), distinct([3, 5], 1)] },
    { name: 'three, broadcast', inputs: [distinct([3, 5], 0), distinct([5], 1), distinct([3, 1], 2)] },
    { name: 'a scalar and an image', inputs: [scalar(0), spaced([1, 2, 3, 2])] },
  ],
  Mod: [
    {
      name: 'both signs',
      inputs: [float32([5.3, -4.1, 2.2, -1.6], [2, 2]), float32([1.5, -0.9], [2])],
      attributes: { fmod: int(1) },
    },
    {
      name: 'the divisor has more axes',
      inputs: [float32([5.3], [1]), float32([1.5, 2.3, 1.2], [3, 1])],
      attributes: { fmod: int(1) },
    },
  ],
} satisfies Record<string, Cases>;
