import { describe, expect, it } from 'vitest';
import type { Moved } from '../../src/autodiff/stepper.ts';
import { EnvironmentError } from '../../src/core/errors.ts';
import { float32, type Tensor } from '../../src/onnx/model.ts';
import { checkSame } from '../../src/train/watched-step.ts';

type Vectors = Readonly<Record<string, readonly number[]>>;
const tensors = (vectors: Vectors): Map<string, Tensor> =>
  new Map(Object.entries(vectors).map(([name, v]) => [name, float32(v, [v.length])]));
const moved = (weights: Vectors, states: Vectors = {}): Moved => ({
  weights: tensors(weights),
  states: tensors(states),
});
const start = tensors({ w: [1, 2], b: [3] });
const check = (there: Moved, here: Moved) => () => checkSame('webgpu', start, there, here);

describe('the first update on a device', () => {
  const here = moved({ w: [1.001, 2.002], b: [3] }, { 'velocity:w': [0.1, -0.2], 'velocity:b': [0] });

  it('may differ by rounding', () => {
    const states = { 'velocity:w': [0.1001, -0.1999], 'velocity:b': [1e-6] };
    expect(check(moved({ w: [1.001, 2.002], b: [3] }, states), here)).not.toThrow();
    expect(check(here, here)).not.toThrow();
  });

  it('is refused where a gradient is another, with the tensor that differs most', () => {
    const wrong = moved({ w: [1.001, 2.002], b: [3] }, { 'velocity:w': [0.11, -0.2], 'velocity:b': [0.1] });
    expect(check(wrong, here)).toThrow(EnvironmentError);
    expect(check(wrong, here)).toThrow(/^device webgpu: .* got velocity:b off by \d+ %$/);
    const lost = moved({ w: [1.001, 2.002], b: [3] }, { 'velocity:w': [Number.NaN, -0.2], 'velocity:b': [0] });
    expect(check(lost, here)).toThrow('velocity:w with values that are no numbers');
  });

  it('is judged by how the weights moved where the optimizer has no states but averages', () => {
    const plain = moved({ w: [1.001, 2.002], b: [3.001] }, { 'ema:w': [1, 2], 'ema:b': [3] });
    expect(check(plain, plain)).not.toThrow();
    // 1e-4 of the weight, but all of its update.
    expect(check(moved({ w: [1.001, 2.002], b: [3] }, { 'ema:w': [1, 2], 'ema:b': [3] }), plain)).toThrow(
      'got b off by',
    );
  });

  it('that moves nothing on either is the same', () => {
    const still = moved({ w: [1, 2], b: [3] });
    expect(check(still, still)).not.toThrow();
  });
});
