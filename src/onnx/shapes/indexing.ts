import { intOf, intsOf } from '../model.ts';
import { axisOf, inputOf, mismatch, type ShapeContext, type ShapeRule, type TensorInfo, valuesOf } from './context.ts';
import { CAST_TYPES } from './elementwise.ts';
import { Resize } from './resize.ts';

const Gather: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const axis = axisOf(c, intOf(c.node, 'axis', 0), dims.length);
  return [{ dtype, dims: [...dims.slice(0, axis), ...inputOf(c, 1).dims, ...dims.slice(axis + 1)] }];
};

const GatherElements: ShapeRule = (c) => [{ dtype: inputOf(c, 0).dtype, dims: inputOf(c, 1).dims }];

const GatherND: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const indices = inputOf(c, 1).dims;
  const batch = intOf(c.node, 'batch_dims', 0);
  return [{ dtype, dims: [...indices.slice(0, -1), ...dims.slice(batch + indices.at(-1)!)] }];
};

const OneHot: ShapeRule = (c) => {
  const { dims } = inputOf(c, 0);
  const depth = valuesOf(c, 1)[0]!;
  const axis = axisOf(c, intOf(c.node, 'axis', -1), dims.length + 1);
  return [{ dtype: inputOf(c, 2).dtype, dims: dims.toSpliced(axis, 0, depth) }];
};

/** Values and indices. */
const TopK: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const axis = axisOf(c, intOf(c.node, 'axis', -1), dims.length);
  const out = dims.with(axis, valuesOf(c, 1)[0]!);
  return [
    { dtype, dims: out },
    { dtype: 'int64', dims: out },
  ];
};

/** Positions of the elements other than 0, [rank, how many]: known only where the elements are. */
const NonZero: ShapeRule = (c) => {
  const count = valuesOf(c, 0).filter((v) => v !== 0).length;
  return [{ dtype: 'int64', dims: [Math.max(1, inputOf(c, 0).dims.length), count] }];
};

const Shape: ShapeRule = (c) => [{ dtype: 'int64', dims: [shapeRange(c).length] }];

/** The sizes that a Shape node gives, after its `start` and `end`. */
export function shapeRange(c: ShapeContext): readonly number[] {
  const { dims } = inputOf(c, 0);
  return dims.slice(intOf(c.node, 'start', 0), intOf(c.node, 'end', dims.length));
}

const Constant: ShapeRule = (c) => {
  for (const [name, a] of Object.entries(c.node.attributes)) {
    if (name === 'value' && a.kind === 'tensor') return [{ dtype: a.value.dtype, dims: a.value.dims }];
    if (a.kind === 'int') return [{ dtype: 'int64', dims: [] }];
    if (a.kind === 'ints') return [{ dtype: 'int64', dims: [a.value.length] }];
    if (a.kind === 'float') return [{ dtype: 'float32', dims: [] }];
    if (a.kind === 'floats') return [{ dtype: 'float32', dims: [a.value.length] }];
  }
  throw mismatch(c, 'a value of numbers', Object.keys(c.node.attributes).join() || 'none');
};

const ConstantOfShape: ShapeRule = (c) => {
  const value = c.node.attributes.value;
  return [{ dtype: value?.kind === 'tensor' ? value.value.dtype : 'float32', dims: valuesOf(c, 0) }];
};

const Range: ShapeRule = (c) => {
  const [start, limit, delta] = [valuesOf(c, 0)[0]!, valuesOf(c, 1)[0]!, valuesOf(c, 2)[0]!];
  return [{ dtype: inputOf(c, 0).dtype, dims: [Math.max(0, Math.ceil((limit - start) / delta))] }];
};

/** Random tensors take their type from `dtype` and their shape from `shape` or from the input. */
const randomLike: ShapeRule = (c) => [{ dtype: typeAttribute(c, inputOf(c, 0)), dims: inputOf(c, 0).dims }];
const random: ShapeRule = (c) => [{ dtype: typeAttribute(c), dims: intsOf(c.node, 'shape', []) }];

function typeAttribute(c: ShapeContext, like?: TensorInfo): TensorInfo['dtype'] {
  return CAST_TYPES[intOf(c.node, 'dtype', 0)] ?? like?.dtype ?? 'float32';
}

/** Operators that pick, count or make elements. */
export const indexing = {
  Gather,
  GatherElements,
  GatherND,
  OneHot,
  TopK,
  NonZero,
  Resize,
  Shape,
  Size: () => [{ dtype: 'int64', dims: [] }],
  Constant,
  ConstantOfShape,
  Range,
  RandomUniform: random,
  RandomUniformLike: randomLike,
  RandomNormal: random,
  RandomNormalLike: randomLike,
  Bernoulli: randomLike,
  EyeLike: randomLike,
} satisfies Record<string, ShapeRule>;
