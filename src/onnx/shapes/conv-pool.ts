import { intOf, intsOf } from '../model.ts';
import { inputOf, mismatch, type ShapeContext, type ShapeRule, show, valuesIf } from './context.ts';
import { convGeometry, convTransposeGeometry } from './geometry.ts';

const Conv: ShapeRule = (c) => {
  const x = inputOf(c, 0);
  const w = inputOf(c, 1);
  const group = intOf(c.node, 'group', 1);
  if (x.dims[1] !== w.dims[1]! * group || w.dims[0]! % group !== 0)
    throw mismatch(c, `weights [M, ${x.dims[1]! / group}, kernel…] for input ${show(x.dims)}`, show(w.dims));
  const { output } = convGeometry(c.node, x.dims, w.dims.slice(2));
  return [{ dtype: x.dtype, dims: [x.dims[0]!, w.dims[0]!, ...output] }];
};

const ConvTranspose: ShapeRule = (c) => {
  const x = inputOf(c, 0);
  const w = inputOf(c, 1);
  if (x.dims[1] !== w.dims[0])
    throw mismatch(c, `weights [${x.dims[1]}, M, kernel…] for input ${show(x.dims)}`, show(w.dims));
  const { output } = convTransposeGeometry(c.node, x.dims, w.dims.slice(2));
  return [{ dtype: x.dtype, dims: [x.dims[0]!, w.dims[1]! * intOf(c.node, 'group', 1), ...output] }];
};

function pooled(c: ShapeContext): readonly number[] {
  const { dims } = inputOf(c, 0);
  const kernel = intsOf(c.node, 'kernel_shape', undefined);
  if (kernel === undefined) throw mismatch(c, 'the attribute `kernel_shape`', 'none');
  return [...dims.slice(0, 2), ...convGeometry(c.node, dims, kernel).output];
}

const MaxPool: ShapeRule = (c) => {
  const dims = pooled(c);
  return [
    { dtype: inputOf(c, 0).dtype, dims },
    { dtype: 'int64', dims },
  ];
};

const AveragePool: ShapeRule = (c) => [{ dtype: inputOf(c, 0).dtype, dims: pooled(c) }];

/** Of the pooling whose result it takes: the windows side by side, or the shape that is given. */
const MaxUnpool: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const asked = valuesIf(c, 2);
  if (asked !== undefined) return [{ dtype, dims: asked }];
  const kernel = intsOf(c.node, 'kernel_shape', []);
  const rank = kernel.length;
  const strides = intsOf(c.node, 'strides', undefined);
  const pads = intsOf(c.node, 'pads', undefined);
  const spatial = kernel.map(
    (k, i) => (dims[i + 2]! - 1) * (strides?.[i] ?? 1) + k - (pads?.[i] ?? 0) - (pads?.[i + rank] ?? 0),
  );
  return [{ dtype, dims: [...dims.slice(0, 2), ...spatial] }];
};

const globalPool: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  return [{ dtype, dims: dims.map((d, i) => (i < 2 ? d : 1)) }];
};

const BatchNormalization: ShapeRule = (c) => {
  const x = inputOf(c, 0);
  const scale = inputOf(c, 1);
  if (scale.dims.length !== 1 || scale.dims[0] !== x.dims[1])
    throw mismatch(c, `a scale [${x.dims[1]}] for input ${show(x.dims)}`, show(scale.dims));
  return [x, scale, scale, scale, scale];
};

const LayerNormalization: ShapeRule = (c) => {
  const x = inputOf(c, 0);
  const rank = x.dims.length;
  const given = intOf(c.node, 'axis', -1);
  const axis = given < 0 ? given + rank : given;
  const moments = { dtype: x.dtype, dims: x.dims.map((d, i) => (i < axis ? d : 1)) };
  return [x, moments, moments];
};

/** Operators with spatial windows, and the normalisations. Layout NCHW. */
export const convPool = {
  Conv,
  ConvTranspose,
  MaxPool,
  AveragePool,
  LpPool: AveragePool,
  MaxUnpool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
  BatchNormalization,
  LayerNormalization,
} satisfies Record<string, ShapeRule>;
