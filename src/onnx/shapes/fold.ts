import { zeros } from '../data-types.ts';
import { intOf, intsOf, sizeOf, type Tensor } from '../model.ts';
import { inputOf, numbersOf, type ShapeContext, type TensorInfo } from './context.ts';
import { shapeRange } from './indexing.ts';
import { sliceAxes } from './layout.ts';

/** Larger tensors are data, not shapes: working them out here would be slow and gain nothing. */
const LIMIT = 4096;

/** Values of the output in row-major order, from those of the inputs. */
type Fold = (c: ShapeContext, out: TensorInfo, inputs: readonly Tensor[]) => readonly number[] | undefined;

/**
 * The value of a node's first output, if it is known before the graph runs: constants, and arithmetic on shapes. That is
 * done in whole numbers, or in floats that were cast from them: other floats may be weights that are about to be trained.
 *
 * @param computed which inputs are themselves the result of such arithmetic
 */
export function foldNode(c: ShapeContext, out: TensorInfo, computed: readonly boolean[] = []): Tensor | undefined {
  if (c.node.op === 'Constant') return constantValue(c, out);
  if (sizeOf(out.dims) > LIMIT) return undefined;
  if (out.dtype === 'float32') return foldFloats(c, out, computed);
  if (!/^(u?int|bool)/.test(out.dtype)) return undefined;
  const fold = FOLDS[c.node.op];
  if (fold === undefined || c.node.domain !== '') return undefined;
  if (c.node.op === 'Shape') return tensorOf(shapeRange(c), out);
  if (c.node.op === 'Size') return tensorOf([sizeOf(inputOf(c, 0).dims)], out);
  const inputs = c.constants.filter((t) => t !== undefined);
  if (inputs.length !== c.inputs.filter((i) => i !== undefined).length) return undefined;
  // A constant's elements may be cast from float; all other arithmetic stays in whole numbers.
  if (c.node.op !== 'Cast' && inputs.some((t) => t.dtype.startsWith('float'))) return undefined;
  if (inputs.some((t) => t.data.length > LIMIT)) return undefined;
  const values = fold(c, out, inputs);
  return values === undefined ? undefined : tensorOf(values, out);
}

/** Exporters scale sizes in floats: Cast, Mul, Floor, Cast back. */
function foldFloats(c: ShapeContext, out: TensorInfo, computed: readonly boolean[]): Tensor | undefined {
  const fold = c.node.domain === '' ? FLOAT_FOLDS[c.node.op] : undefined;
  const inputs = c.constants.filter((t) => t !== undefined);
  if (fold === undefined || inputs.length !== c.inputs.filter((i) => i !== undefined).length) return undefined;
  const fromSizes = (i: number): boolean => computed[i] === true && c.inputs[i]?.dtype === 'float32';
  const cast = c.node.op === 'Cast' && /^u?int/.test(inputs[0]?.dtype ?? '') && computed[0] === true;
  if (!cast && !c.inputs.some((_, i) => fromSizes(i))) return undefined;
  const values = fold(c, out, inputs);
  return values === undefined ? undefined : tensorOf(values, out);
}

function constantValue(c: ShapeContext, out: TensorInfo): Tensor | undefined {
  for (const a of Object.values(c.node.attributes)) {
    if (a.kind === 'tensor') return a.value;
    if (a.kind === 'int' || a.kind === 'float') return tensorOf([a.value], out);
    if (a.kind === 'ints' || a.kind === 'floats') return tensorOf(a.value, out);
  }
  return undefined;
}

function tensorOf(values: readonly number[], { dtype, dims }: TensorInfo): Tensor {
  const tensor = zeros(dtype, dims);
  if (tensor.dtype === 'int64' || tensor.dtype === 'uint64')
    for (const [i, v] of values.entries()) tensor.data[i] = saturated(v);
  else if (tensor.dtype === 'bool') for (const [i, v] of values.entries()) tensor.data[i] = v === 0 ? 0 : 1;
  else tensor.data.set(values);
  return tensor;
}

const INT64_MAX = 9223372036854775807n;

/** "To the end" is written as the largest int64, which a number can only round up from. */
function saturated(v: number): bigint {
  const value = BigInt(Math.trunc(v));
  return value > INT64_MAX ? INT64_MAX : value < -INT64_MAX ? -INT64_MAX : value;
}

/** Element by element over inputs that broadcast to the output. */
function elementwise(f: (a: number, b: number, c: number) => number): Fold {
  return (_, out, inputs) => {
    const read = inputs.map((t) => reader(t, out.dims));
    return Array.from({ length: sizeOf(out.dims) }, (_, i) =>
      f(read[0]?.(i) ?? 0, read[1]?.(i) ?? 0, read[2]?.(i) ?? 0),
    );
  };
}

/** Reads a tensor by the flat index of the shape it broadcasts to. */
function reader(tensor: Tensor, dims: readonly number[]): (index: number) => number {
  const values = numbersOf(tensor);
  const lead = dims.length - tensor.dims.length;
  return (index) => {
    let rest = index;
    let at = 0;
    let stride = 1;
    for (let i = dims.length - 1; i >= lead; i--) {
      const size = tensor.dims[i - lead]!;
      const position = rest % dims[i]!;
      rest = Math.floor(rest / dims[i]!);
      if (size !== 1) at += position * stride;
      stride *= size;
    }
    return values[at]!;
  };
}

const same: Fold = (_, __, [x]) => (x === undefined ? undefined : numbersOf(x));

/** Concatenation and ranges of vectors. */
const concat: Fold = (_, out, inputs) => (out.dims.length === 1 ? inputs.flatMap(numbersOf) : undefined);

/** Elements `offset + Σ positionᵢ · strideᵢ` of a tensor, for every position in a shape. */
function strided(x: Tensor, dims: readonly number[], strides: readonly number[], offset = 0): number[] {
  const values = numbersOf(x);
  const at = dims.reduce<readonly number[]>(
    (all, size, axis) => all.flatMap((i) => Array.from({ length: size }, (_, k) => i + k * strides[axis]!)),
    [offset],
  );
  return at.map((i) => values[i]!);
}

/** Distance of neighbours on each axis, in elements. */
const stridesOf = (dims: readonly number[]): number[] => dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));

const slice: Fold = (c, out, [x]) => {
  if (x === undefined) return undefined;
  const strides = stridesOf(x.dims);
  let offset = 0;
  for (const { axis, start, step } of sliceAxes(c)) {
    offset += start * strides[axis]!;
    strides[axis]! *= step;
  }
  return strided(x, out.dims, strides, offset);
};

const transpose: Fold = (c, out, [x]) => {
  if (x === undefined) return undefined;
  const strides = stridesOf(x.dims);
  const perm = intsOf(c.node, 'perm', undefined) ?? [...strides.keys()].reverse();
  return strided(
    x,
    out.dims,
    perm.map((axis) => strides[axis]!),
  );
};

const gather: Fold = (c, _, [x, indices]) => {
  if (x === undefined || indices === undefined || x.dims.length !== 1 || intOf(c.node, 'axis', 0) > 0) return undefined;
  const values = numbersOf(x);
  const picked = numbersOf(indices).map((i) => values[i < 0 ? i + values.length : i]);
  return picked.every((v) => v !== undefined) ? picked : undefined;
};

const range: Fold = (_, out, [start, __, delta]) => {
  if (start === undefined || delta === undefined) return undefined;
  const [from, by] = [Number(start.data[0]), Number(delta.data[0])];
  return Array.from({ length: out.dims[0]! }, (_, i) => from + i * by);
};

const filled: Fold = (c, out) => {
  const value = c.node.attributes.value;
  const v = value?.kind === 'tensor' ? Number(value.value.data[0]) : 0;
  return Array.from({ length: sizeOf(out.dims) }, () => v);
};

const product: Fold = (_, out, [x]) =>
  x === undefined || sizeOf(out.dims) !== 1 ? undefined : [numbersOf(x).reduce((a, b) => a * b, 1)];

/** The positions, one row an axis. */
const nonZero: Fold = (_, out, [x]) => {
  if (x === undefined) return undefined;
  const hits = numbersOf(x).flatMap((v, i) => (v === 0 ? [] : [i]));
  const axes = Array.from({ length: out.dims[0]! }, (_, axis) => axis);
  return axes.flatMap((axis) => {
    const stride = sizeOf(x.dims.slice(axis + 1));
    return hits.map((i) => Math.floor(i / stride) % (x.dims[axis] ?? 1));
  });
};

const FOLDS: Readonly<Record<string, Fold>> = {
  Shape: same,
  Size: same,
  Identity: same,
  Reshape: same,
  Squeeze: same,
  Unsqueeze: same,
  Flatten: same,
  Cast: (_, out, [x]) =>
    x === undefined ? undefined : numbersOf(x).map((v) => (out.dtype === 'bool' ? Number(v !== 0) : Math.trunc(v))),
  Concat: concat,
  Slice: slice,
  Transpose: transpose,
  Gather: gather,
  Range: range,
  ConstantOfShape: filled,
  ReduceProd: product,
  NonZero: nonZero,
  Expand: elementwise((a) => a),
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  // Whole numbers are divided towards zero, as the runtime does.
  Div: elementwise((a, b) => Math.trunc(a / b)),
  Mod: elementwise((a, b) => a - b * Math.floor(a / b)),
  Min: elementwise((a, b) => Math.min(a, b)),
  Max: elementwise((a, b) => Math.max(a, b)),
  Neg: elementwise((a) => -a),
  Abs: elementwise((a) => Math.abs(a)),
  Equal: elementwise((a, b) => Number(a === b)),
  Greater: elementwise((a, b) => Number(a > b)),
  GreaterOrEqual: elementwise((a, b) => Number(a >= b)),
  Less: elementwise((a, b) => Number(a < b)),
  LessOrEqual: elementwise((a, b) => Number(a <= b)),
  And: elementwise((a, b) => a * b),
  Or: elementwise((a, b) => Math.max(a, b)),
  Not: elementwise((a) => 1 - a),
  Where: elementwise((condition, a, b) => (condition !== 0 ? a : b)),
};

/** What sizes are scaled by. */
const FLOAT_FOLDS: Readonly<Record<string, Fold>> = {
  Cast: same,
  Identity: same,
  Reshape: same,
  Squeeze: same,
  Unsqueeze: same,
  Concat: concat,
  Slice: slice,
  Gather: gather,
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: elementwise((a, b) => a / b),
  Min: elementwise((a, b) => Math.min(a, b)),
  Max: elementwise((a, b) => Math.max(a, b)),
  Floor: elementwise((a) => Math.floor(a)),
  Ceil: elementwise((a) => Math.ceil(a)),
  Sqrt: elementwise((a) => Math.sqrt(a)),
};
