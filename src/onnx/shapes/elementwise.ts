import type { DataType } from '../model.ts';
import { inputOf, mismatch, type ShapeContext, type ShapeRule, show } from './context.ts';

/**
 * Shape that tensors broadcast to, as NumPy does, or undefined where they do not fit together.
 */
export function broadcastDims(shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const out = Array.from({ length: rank }, () => 1);
  for (const dims of shapes) {
    for (const [i, size] of dims.entries()) {
      const at = rank - dims.length + i;
      if (out[at] === 1) out[at] = size;
      else if (size !== 1 && size !== out[at]) return undefined;
    }
  }
  return out;
}

function broadcast(c: ShapeContext): readonly number[] {
  const shapes = c.inputs.filter((i) => i !== undefined).map((i) => i.dims);
  const dims = broadcastDims(shapes);
  if (dims === undefined) throw mismatch(c, 'shapes that broadcast together', shapes.map(show).join(' and '));
  return dims;
}

const arithmetic: ShapeRule = (c) => [{ dtype: inputOf(c, 0).dtype, dims: broadcast(c) }];
const comparison: ShapeRule = (c) => [{ dtype: 'bool', dims: broadcast(c) }];
const sameAsFirst: ShapeRule = (c) => [inputOf(c, 0)];
const truth: ShapeRule = (c) => [{ dtype: 'bool', dims: inputOf(c, 0).dims }];
const withMask: ShapeRule = (c) => [inputOf(c, 0), { dtype: 'bool', dims: inputOf(c, 0).dims }];
const where: ShapeRule = (c) => [{ dtype: inputOf(c, 1).dtype, dims: broadcast(c) }];

/** ONNX's numbers of element types, as `Cast` and `ConstantOfShape` carry them. */
export const CAST_TYPES: Readonly<Record<number, DataType>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
};

const cast: ShapeRule = (c) => {
  const to = c.node.attributes.to;
  const dtype = to?.kind === 'int' ? CAST_TYPES[to.value] : undefined;
  if (dtype === undefined) throw mismatch(c, 'a numeric element type in `to`', `${to?.kind === 'int' ? to.value : to}`);
  return [{ dtype, dims: inputOf(c, 0).dims }];
};

/** Output element by element from inputs that broadcast together. */
export const broadcasting = {
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,
  Mod: arithmetic,
  Pow: arithmetic,
  Sum: arithmetic,
  Mean: arithmetic,
  Min: arithmetic,
  Max: arithmetic,
  Equal: comparison,
  Greater: comparison,
  GreaterOrEqual: comparison,
  Less: comparison,
  LessOrEqual: comparison,
  And: comparison,
  Or: comparison,
  Xor: comparison,
  Where: where,
} satisfies Record<string, ShapeRule>;

/** Output of the shape of the first input. */
export const shapePreserving = {
  Relu: sameAsFirst,
  LeakyRelu: sameAsFirst,
  PRelu: sameAsFirst,
  Clip: sameAsFirst,
  Sigmoid: sameAsFirst,
  HardSigmoid: sameAsFirst,
  HardSwish: sameAsFirst,
  Tanh: sameAsFirst,
  Elu: sameAsFirst,
  Selu: sameAsFirst,
  Softplus: sameAsFirst,
  Softsign: sameAsFirst,
  Mish: sameAsFirst,
  Erf: sameAsFirst,
  Gelu: sameAsFirst,
  'com.microsoft.Gelu': sameAsFirst,
  Exp: sameAsFirst,
  Log: sameAsFirst,
  Sqrt: sameAsFirst,
  Reciprocal: sameAsFirst,
  Abs: sameAsFirst,
  Neg: sameAsFirst,
  Sign: sameAsFirst,
  Floor: sameAsFirst,
  Ceil: sameAsFirst,
  Round: sameAsFirst,
  Sin: sameAsFirst,
  Cos: sameAsFirst,
  Tan: sameAsFirst,
  Asin: sameAsFirst,
  Acos: sameAsFirst,
  Atan: sameAsFirst,
  Sinh: sameAsFirst,
  Cosh: sameAsFirst,
  Asinh: sameAsFirst,
  Acosh: sameAsFirst,
  Atanh: sameAsFirst,
  Celu: sameAsFirst,
  ThresholdedRelu: sameAsFirst,
  Shrink: sameAsFirst,
  Swish: sameAsFirst,
  Hardmax: sameAsFirst,
  Softmax: sameAsFirst,
  LogSoftmax: sameAsFirst,
  InstanceNormalization: sameAsFirst,
  GroupNormalization: sameAsFirst,
  LRN: sameAsFirst,
  LpNormalization: sameAsFirst,
  MeanVarianceNormalization: sameAsFirst,
  RMSNormalization: sameAsFirst,
  CumSum: sameAsFirst,
  Trilu: sameAsFirst,
  ReverseSequence: sameAsFirst,
  Identity: sameAsFirst,
  Not: sameAsFirst,
  IsNaN: truth,
  IsInf: truth,
  ScatterElements: sameAsFirst,
  ScatterND: sameAsFirst,
  Dropout: withMask,
  Cast: cast,
  CastLike: (c) => [{ dtype: inputOf(c, 1).dtype, dims: inputOf(c, 0).dims }],
} satisfies Record<string, ShapeRule>;
