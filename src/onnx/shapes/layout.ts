import { intOf, intsOf, sizeOf } from '../model.ts';
import {
  attributeOrInput,
  axisOf,
  inputOf,
  mismatch,
  type ShapeContext,
  type ShapeRule,
  show,
  valuesIf,
  valuesOf,
} from './context.ts';
import { broadcastDims } from './elementwise.ts';

const Concat: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const axis = axisOf(c, intOf(c.node, 'axis', 0), dims.length);
  let total = 0;
  for (const input of c.inputs) {
    if (
      input === undefined ||
      input.dims.length !== dims.length ||
      input.dims.some((d, i) => i !== axis && d !== dims[i])
    )
      throw mismatch(c, `shapes equal to ${show(dims)} but for axis ${axis}`, show(input?.dims ?? []));
    total += input.dims[axis]!;
  }
  return [{ dtype, dims: dims.with(axis, total) }];
};

/** Sizes of the parts of a Split along its axis: as given, or equal with a smaller last one. */
function partsOf(c: ShapeContext, size: number): readonly number[] {
  const given = attributeOrInput(c, 'split', 1);
  if (given !== undefined) return given;
  const count = intOf(c.node, 'num_outputs', c.node.outputs.length);
  const part = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(part, size - i * part)));
}

const Split: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const axis = axisOf(c, intOf(c.node, 'axis', 0), dims.length);
  const parts = partsOf(c, dims[axis]!);
  const total = parts.reduce((a, b) => a + b, 0);
  if (total !== dims[axis]) throw mismatch(c, `parts that add up to ${dims[axis]}`, show(parts));
  return parts.map((part) => ({ dtype, dims: dims.with(axis, part) }));
};

/** One axis of a Slice: from `start` in steps of `step`, `count` elements. */
export interface SliceAxis {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** The slice of every axis that is cut, with negative and out-of-range bounds resolved. */
export function sliceAxes(c: ShapeContext): readonly SliceAxis[] {
  const { dims } = inputOf(c, 0);
  const starts = intsOf(c.node, 'starts', undefined) ?? valuesOf(c, 1);
  const ends = intsOf(c.node, 'ends', undefined) ?? valuesOf(c, 2);
  const axes = attributeOrInput(c, 'axes', 3) ?? starts.map((_, i) => i);
  const steps = valuesIf(c, 4) ?? starts.map(() => 1);
  return axes.map((given, i) => {
    const axis = axisOf(c, given, dims.length);
    const size = dims[axis]!;
    const step = steps[i]!;
    if (step === 0) throw mismatch(c, 'steps other than 0', '0');
    const wrap = (v: number): number => (v < 0 ? v + size : v);
    const clamp = (v: number, low: number, high: number): number => Math.min(high, Math.max(low, v));
    const start = step > 0 ? clamp(wrap(starts[i]!), 0, size) : clamp(wrap(starts[i]!), 0, size - 1);
    const end = step > 0 ? clamp(wrap(ends[i]!), 0, size) : clamp(wrap(ends[i]!), -1, size - 1);
    return { axis, start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
}

const Slice: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const out = [...dims];
  for (const { axis, count } of sliceAxes(c)) out[axis] = count;
  return [{ dtype, dims: out }];
};

/** Begin of every axis of the input, then end of every axis; 0 for axes not named. */
export function padsOf(c: ShapeContext): readonly number[] {
  const rank = inputOf(c, 0).dims.length;
  const given = attributeOrInput(c, 'pads', 1) ?? [];
  const axes = valuesIf(c, 3)?.map((a) => axisOf(c, a, rank));
  if (given.length !== 2 * (axes?.length ?? rank)) throw mismatch(c, `${2 * (axes?.length ?? rank)} pads`, show(given));
  if (axes === undefined) return given;
  const pads = Array.from({ length: 2 * rank }, () => 0);
  for (const [i, axis] of axes.entries()) {
    pads[axis] = given[i]!;
    pads[axis + rank] = given[i + axes.length]!;
  }
  return pads;
}

const Pad: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const pads = padsOf(c);
  return [{ dtype, dims: dims.map((d, i) => d + pads[i]! + pads[i + dims.length]!) }];
};

const Reshape: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const asked = attributeOrInput(c, 'shape', 1) ?? [];
  const allowZero = intOf(c.node, 'allowzero', 0) === 1;
  const out = asked.map((d, i) => (d === 0 && !allowZero ? (dims[i] ?? 0) : d));
  const hole = out.indexOf(-1);
  if (hole >= 0) {
    const rest = out.reduce((p, d, i) => (i === hole ? p : p * d), 1);
    out[hole] = rest === 0 ? 0 : sizeOf(dims) / rest;
  }
  if (sizeOf(out) !== sizeOf(dims) || out.some((d) => d < 0 || !Number.isInteger(d)))
    throw mismatch(c, `a shape of ${sizeOf(dims)} elements for ${show(dims)}`, show(asked));
  return [{ dtype, dims: out }];
};

const Flatten: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const given = intOf(c.node, 'axis', 1);
  // Unlike elsewhere, the axis may be the rank itself.
  const axis = given < 0 ? given + dims.length : given;
  return [{ dtype, dims: [sizeOf(dims.slice(0, axis)), sizeOf(dims.slice(axis))] }];
};

const Transpose: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const perm = intsOf(c.node, 'perm', undefined) ?? dims.map((_, i) => dims.length - 1 - i);
  if (perm.length !== dims.length) throw mismatch(c, `a permutation of ${dims.length} axes`, show(perm));
  return [{ dtype, dims: perm.map((p) => dims[axisOf(c, p, dims.length)]!) }];
};

const Squeeze: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const given = attributeOrInput(c, 'axes', 1)?.map((a) => axisOf(c, a, dims.length));
  const axes = new Set(given ?? dims.flatMap((d, i) => (d === 1 ? [i] : [])));
  for (const axis of axes) if (dims[axis] !== 1) throw mismatch(c, `size 1 on axis ${axis}`, show(dims));
  return [{ dtype, dims: dims.filter((_, i) => !axes.has(i)) }];
};

const Unsqueeze: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const given = attributeOrInput(c, 'axes', 1) ?? [];
  const rank = dims.length + given.length;
  const axes = new Set(given.map((a) => axisOf(c, a, rank)));
  if (axes.size !== given.length) throw mismatch(c, 'distinct axes', show(given));
  let next = 0;
  return [{ dtype, dims: Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : dims[next++]!)) }];
};

const Expand: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const asked = valuesOf(c, 1);
  const out = broadcastDims([dims, asked]);
  if (out === undefined) throw mismatch(c, `a shape that ${show(dims)} broadcasts to`, show(asked));
  return [{ dtype, dims: out }];
};

const Tile: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const repeats = valuesOf(c, 1);
  if (repeats.length !== dims.length) throw mismatch(c, `${dims.length} repeats`, show(repeats));
  return [{ dtype, dims: dims.map((d, i) => d * repeats[i]!) }];
};

const DepthToSpace: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const b = intOf(c.node, 'blocksize', 1);
  const [n = 1, ch = 1, h = 1, w = 1] = dims;
  return [{ dtype, dims: [n, ch / (b * b), h * b, w * b] }];
};

const SpaceToDepth: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const b = intOf(c.node, 'blocksize', 1);
  const [n = 1, ch = 1, h = 1, w = 1] = dims;
  return [{ dtype, dims: [n, ch * b * b, h / b, w / b] }];
};

const CenterCropPad: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const sizes = valuesOf(c, 1);
  const axes = intsOf(c.node, 'axes', undefined)?.map((a) => axisOf(c, a, dims.length)) ?? dims.map((_, i) => i);
  const out = [...dims];
  for (const [i, axis] of axes.entries()) out[axis] = sizes[i]!;
  return [{ dtype, dims: out }];
};

/** Operators that move elements without computing on them. */
export const layouts = {
  Concat,
  Split,
  Slice,
  Pad,
  Reshape,
  Flatten,
  Transpose,
  Squeeze,
  Unsqueeze,
  Expand,
  Tile,
  DepthToSpace,
  SpaceToDepth,
  CenterCropPad,
} satisfies Record<string, ShapeRule>;
