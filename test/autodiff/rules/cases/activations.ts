import { float, float32, int, scalar, string } from '../../../../src/onnx/model.ts';
import { type Cases, SPACING, spaced, uniform } from './values.ts';

const dims = [2, 3, 4];
const smooth = uniform(dims, 1, -2, 2);
const kinked = spaced(dims);
const bound = (steps: number) => scalar(steps * SPACING);

/** Functions of one tensor, element by element, and the softmax family. */
export const activations = {
  Relu: [{ name: 'both sides of 0', inputs: [kinked] }],
  LeakyRelu: [
    { name: 'default slope', inputs: [kinked] },
    { name: 'slope 0.3', inputs: [kinked], attributes: { alpha: float(0.3) } },
    { name: 'slope 0', inputs: [kinked], attributes: { alpha: float(0) } },
    { name: 'slope above 1', inputs: [kinked], attributes: { alpha: float(1.5) } },
    { name: 'negative slope', inputs: [kinked], attributes: { alpha: float(-0.5) } },
  ],
  PRelu: [
    { name: 'slope per element', inputs: [kinked, uniform(dims, 2)] },
    { name: 'slope per channel', inputs: [kinked, uniform([3, 1], 2)] },
    { name: 'one slope', inputs: [kinked, uniform([1], 2)] },
  ],
  Clip: [
    { name: 'both bounds', inputs: [kinked, bound(-3), bound(4)], fixed: [1, 2] },
    { name: 'no lower bound', inputs: [kinked, undefined, bound(2)], fixed: [2] },
    { name: 'no upper bound', inputs: [kinked, bound(0)], fixed: [1] },
    { name: 'no bound', inputs: [kinked] },
    { name: 'bounds that are fed', inputs: [kinked, bound(-3), bound(4)], fed: [1, 2] },
  ],
  Sigmoid: [{ name: 'smooth', inputs: [smooth] }],
  Tanh: [{ name: 'smooth', inputs: [smooth] }],
  HardSigmoid: [
    // Kinks where αx + β is 0 or 1: x = −6 SPACING and 4 SPACING.
    {
      name: 'kinks between the values',
      inputs: [kinked],
      attributes: { alpha: float(1 / (10 * SPACING)), beta: float(0.6) },
    },
  ],
  HardSwish: [{ name: 'both kinks', inputs: [float32([-5, -3.1, -2.9, -1, 0, 0.7, 2.9, 3.1, 6], [9])] }],
  Elu: [
    { name: 'default', inputs: [kinked] },
    { name: 'α 0.4', inputs: [kinked], attributes: { alpha: float(0.4) } },
  ],
  Selu: [
    { name: 'default', inputs: [kinked] },
    { name: 'other constants', inputs: [kinked], attributes: { alpha: float(0.5), gamma: float(2) } },
  ],
  Softplus: [{ name: 'smooth', inputs: [smooth] }],
  Softsign: [{ name: 'both sides of 0', inputs: [kinked] }],
  Mish: [{ name: 'smooth', inputs: [smooth] }],
  Erf: [{ name: 'smooth', inputs: [smooth] }],
  Gelu: [
    { name: 'exact', inputs: [smooth] },
    { name: 'tanh', inputs: [smooth], attributes: { approximate: string('tanh') } },
  ],
  Exp: [{ name: 'smooth', inputs: [smooth] }],
  Log: [{ name: 'positive', inputs: [uniform(dims, 1, 0.7, 3)] }],
  Sqrt: [{ name: 'positive', inputs: [uniform(dims, 1, 0.7, 3)] }],
  Sin: [{ name: 'smooth', inputs: [smooth] }],
  Cos: [{ name: 'smooth', inputs: [smooth] }],
  Reciprocal: [
    { name: 'positive', inputs: [uniform(dims, 1, 0.7, 3)] },
    { name: 'negative', inputs: [uniform(dims, 1, -3, -0.7)] },
  ],
  Abs: [{ name: 'both sides of 0', inputs: [kinked] }],
  Neg: [{ name: 'any', inputs: [smooth] }],
  Floor: [{ name: 'between the steps', inputs: [float32([-1.5, 0.3, 2.7], [3])] }],
  Ceil: [{ name: 'between the steps', inputs: [float32([-1.5, 0.3, 2.7], [3])] }],
  Round: [{ name: 'between the steps', inputs: [float32([-1.3, 0.3, 2.7], [3])] }],
  Sign: [{ name: 'both sides of 0', inputs: [kinked] }],
  Softmax: [
    { name: 'last axis', inputs: [smooth] },
    { name: 'first axis', inputs: [smooth], attributes: { axis: int(0) } },
    { name: 'one class', inputs: [uniform([3, 1])] },
  ],
  LogSoftmax: [
    { name: 'last axis', inputs: [smooth] },
    { name: 'middle axis', inputs: [smooth], attributes: { axis: int(1) } },
  ],
} satisfies Record<string, Cases>;
