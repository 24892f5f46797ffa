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
    { name: 'bounds that vary', inputs: [kinked, bound(-3), bound(4)] },
    { name: 'one bound that varies', inputs: [kinked, undefined, bound(2)] },
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
  Celu: [
    { name: 'default', inputs: [kinked] },
    { name: 'α 0.4', inputs: [uniform(dims, 1, -1, -0.1)], attributes: { alpha: float(0.4) } },
    { name: 'α 2.5', inputs: [kinked], attributes: { alpha: float(2.5) } },
  ],
  ThresholdedRelu: [
    { name: 'default', inputs: [uniform(dims, 1, 1.1, 2)] },
    { name: 'both sides of α', inputs: [kinked], attributes: { alpha: float(2 * SPACING) } },
  ],
  Shrink: [
    { name: 'soft', inputs: [kinked], attributes: { lambd: float(3 * SPACING), bias: float(3 * SPACING) } },
    { name: 'hard', inputs: [kinked], attributes: { lambd: float(2 * SPACING) } },
  ],
  Swish: [
    { name: 'default', inputs: [smooth], opset: 24 },
    { name: 'α 1.7', inputs: [smooth], attributes: { alpha: float(1.7) }, opset: 24 },
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
  Tan: [{ name: 'between the poles', inputs: [uniform(dims, 1, -1, 1)], tolerance: 1e-4 }],
  Asin: [{ name: 'inside its domain', inputs: [uniform(dims, 1, -0.7, 0.7)] }],
  Acos: [{ name: 'inside its domain', inputs: [uniform(dims, 1, -0.7, 0.7)] }],
  Atan: [{ name: 'smooth', inputs: [smooth] }],
  Sinh: [{ name: 'smooth', inputs: [smooth] }],
  Cosh: [{ name: 'smooth', inputs: [smooth] }],
  Asinh: [{ name: 'smooth', inputs: [smooth] }],
  Acosh: [{ name: 'above 1', inputs: [uniform(dims, 1, 1.5, 3)] }],
  Atanh: [{ name: 'inside its domain', inputs: [uniform(dims, 1, -0.7, 0.7)] }],
  Sin: [{ name: 'smooth', inputs: [smooth] }],
  Cos: [{ name: 'smooth', inputs: [smooth] }],
  Reciprocal: [
    { name: 'positive', inputs: [uniform(dims, 1, 0.7, 3)] },
    { name: 'negative', inputs: [uniform(dims, 1, -3, -0.7)] },
  ],
  Abs: [{ name: 'both sides of 0', inputs: [kinked] }],
  Neg: [{ name: 'any', inputs: [smooth] }],
  Hardmax: [{ name: 'values apart', inputs: [kinked], attributes: { axis: int(1) } }],
  Floor: [{ name: 'between the steps', inputs: [float32([-1.5, 0.3, 2.7], [3])] }],
  Ceil: [{ name: 'between the steps', inputs: [float32([-1.5, 0.3, 2.7], [3])] }],
  Round: [{ name: 'between the steps', inputs: [float32([-1.3, 0.3, 2.7], [3])] }],
  Sign: [{ name: 'both sides of 0', inputs: [kinked] }],
  Softmax: [
    { name: 'last axis', inputs: [smooth] },
    { name: 'first axis', inputs: [smooth], attributes: { axis: int(0) } },
    { name: 'one class', inputs: [uniform([3, 1])] },
    { name: 'channels of an image', inputs: [uniform([2, 3, 2, 2])], attributes: { axis: int(1) } },
    { name: 'a row', inputs: [uniform([4])], attributes: { axis: int(-1) } },
    { name: 'operator set 13', inputs: [smooth], attributes: { axis: int(-2) }, opset: 13 },
  ],
  LogSoftmax: [
    { name: 'last axis', inputs: [smooth] },
    { name: 'middle axis', inputs: [smooth], attributes: { axis: int(1) } },
  ],
} satisfies Record<string, Cases>;
