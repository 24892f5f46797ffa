/** Moves that move elements without computing on them. */
import { sizeOf } from '../../../src/onnx/model.ts';
import type { Draft } from './draft.ts';
import { anyAxis, type Move, type Moves, small, someAxes } from './move.ts';

const wrap = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const Concat: Move = (d, x) => {
  if (x.dims.length === 0) return undefined;
  const axis = anyAxis(d, x.dims.length);
  const at = wrap(axis, x.dims.length);
  const fits = d.live.filter(
    (y) => y.dims.length === x.dims.length && y.dims.every((s, i) => i === at || s === x.dims[i]),
  );
  const others = [d.chance(0.7) ? d.pick(fits) : d.weight(x.dims.with(at, d.int(1, 3)), -1, 1)];
  if (d.chance(0.3)) others.push(d.pick(fits));
  const all = d.chance(0.5) ? [x, ...others] : [...others, x];
  const total = all.reduce((sum, t) => sum + t.dims[at]!, 0);
  if (!small(x.dims.with(at, total))) return undefined;
  return [
    d.one(
      'Concat',
      all.map((t) => t.name),
      { axis },
    ),
  ];
};

const Split: Move = (d, x) => {
  const axes = x.dims.flatMap((size, i) => (size > 1 ? [i] : []));
  if (axes.length === 0) return undefined;
  const at = d.pick(axes);
  const axis = d.chance(0.3) ? at - x.dims.length : at;
  const size = x.dims[at]!;
  const count = d.int(2, Math.min(3, size));
  // With a last part that is smaller, if need be; it must not be empty.
  const whole = Math.ceil(size / count) * (count - 1) < size;
  if (whole && d.chance(0.4)) return d.node('Split', [x.name], { axis, num_outputs: count }, count);
  const parts = Array.from({ length: count }, () => 1);
  for (let left = size - count; left > 0; left--) parts[d.int(0, count - 1)]! += 1;
  return d.node('Split', [x.name, d.ints(parts)], { axis }, count);
};

const Slice: Move = (d, x) => {
  const rank = x.dims.length;
  if (rank === 0) return undefined;
  const axes = someAxes(d, rank);
  const cuts = axes.map((axis) => {
    const size = x.dims[wrap(axis, rank)]!;
    const step = d.pick([1, 1, 1, 2, -1, -2]);
    if (d.chance(0.25)) return step > 0 ? [0, 2 ** 31, step] : [-1, -(2 ** 31), step];
    const start = d.int(0, size - 1);
    const end = step > 0 ? d.int(start + 1, size) : d.int(-1, start - 1);
    const signed = d.chance(0.4) && end < size && end > 0 ? end - size : end < 0 ? -size - 1 : end;
    return [d.chance(0.3) ? start - size : start, signed, step];
  });
  const column = (i: number): string => d.ints(cuts.map((cut) => cut[i]!));
  const named = axes.every((axis, i) => axis === i) && d.chance(0.5) ? [] : [d.ints(axes)];
  const plain = cuts.every((cut) => cut[2] === 1);
  if (named.length === 0 && !plain) return undefined;
  return [d.one('Slice', [x.name, column(0), column(1), ...named, ...(plain ? [] : [column(2)])])];
};

const Pad: Move = (d, x) => {
  const rank = x.dims.length;
  if (rank === 0) return undefined;
  const mode = d.pick(['constant', 'constant', 'reflect', 'edge']);
  const low = mode === 'constant' ? -1 : 0;
  const ends = x.dims.map((size) => {
    if (d.chance(0.4)) return [0, 0];
    // Reflected elements must be there; a crop must leave some.
    const high = mode === 'reflect' ? Math.min(2, size - 1) : 2;
    return [d.int(size > 2 ? low : 0, high), d.int(size > 2 ? low : 0, high)];
  });
  const pads = d.ints([...ends.map((e) => e[0]!), ...ends.map((e) => e[1]!)]);
  if (!small(x.dims.map((size, i) => size + ends[i]![0]! + ends[i]![1]!))) return undefined;
  const value = mode === 'constant' && d.chance(0.5) ? [d.scalar(0.3)] : [];
  return [d.one('Pad', [x.name, pads, ...value], mode === 'constant' && d.chance(0.5) ? {} : { mode })];
};

/** Sizes whose product is `total`, at most four. */
function factored(d: Draft, total: number): number[] {
  const sizes: number[] = [];
  let left = total;
  while (sizes.length < 3 && d.chance(0.75)) {
    const divisors = Array.from({ length: left }, (_, i) => i + 1).filter((k) => left % k === 0);
    const size = d.pick(divisors);
    sizes.push(size);
    left /= size;
  }
  return [...sizes, left];
}

const Reshape: Move = (d, x) => {
  const sizes = factored(d, sizeOf(x.dims));
  // 0 keeps the size of that axis; one size may be left to find.
  const kept = sizes.map((size, i) => (size === x.dims[i] && d.chance(0.5) ? 0 : size));
  const asked = d.chance(0.5) ? kept.with(d.int(0, kept.length - 1), -1) : kept;
  return [d.one('Reshape', [x.name, d.ints(asked)])];
};

const Transpose: Move = (d, x) => {
  const rank = x.dims.length;
  if (rank < 2) return undefined;
  if (d.chance(0.2)) return [d.one('Transpose', [x.name])];
  const perm = x.dims.map((_, i) => i);
  for (let i = rank - 1; i > 0; i--) {
    const j = d.int(0, i);
    [perm[i], perm[j]] = [perm[j]!, perm[i]!];
  }
  return [d.one('Transpose', [x.name], { perm })];
};

const Squeeze: Move = (d, x) => {
  const ones = x.dims.flatMap((size, i) => (size === 1 ? [i] : []));
  if (ones.length === 0) return undefined;
  if (d.chance(0.4)) return [d.one('Squeeze', [x.name])];
  const axis = d.pick(ones);
  return [d.one('Squeeze', [x.name, d.ints([d.chance(0.5) ? axis - x.dims.length : axis])])];
};

const Unsqueeze: Move = (d, x) => {
  const rank = x.dims.length;
  if (rank > 3) return undefined;
  return [d.one('Unsqueeze', [x.name, d.ints(d.pick([[0], [rank], [-1], [0, -1], [rank + 1, 0]]))])];
};

const Expand: Move = (d, x) => {
  const wide = x.dims.map((size) => (size === 1 ? d.int(1, 3) : d.chance(0.3) ? 1 : size));
  const dims = d.chance(0.4) && wide.length < 5 ? [d.int(1, 3), ...wide] : wide;
  return small(dims) ? [d.one('Expand', [x.name, d.ints(dims)])] : undefined;
};

const Tile: Move = (d, x) => {
  const repeats = x.dims.map(() => d.pick([1, 1, 2, 3]));
  if (repeats.length === 0 || !small(x.dims.map((size, i) => size * repeats[i]!))) return undefined;
  return [d.one('Tile', [x.name, d.ints(repeats)])];
};

const Gather: Move = (d, x) => {
  const rank = x.dims.length;
  if (rank === 0) return undefined;
  const axis = anyAxis(d, rank);
  const size = x.dims[wrap(axis, rank)]!;
  const dims = d.pick([[], [2], [3], [2, 2]]);
  if (!small(x.dims.toSpliced(wrap(axis, rank), 1, ...dims))) return undefined;
  const indices = Array.from({ length: sizeOf(dims) }, () => d.int(-size, size - 1));
  return [d.one('Gather', [x.name, d.ints(indices, dims)], { axis })];
};

const GatherElements: Move = (d, x) => {
  const rank = x.dims.length;
  if (rank === 0) return undefined;
  const axis = anyAxis(d, rank);
  const at = wrap(axis, rank);
  // Indices may cover a part of the other axes.
  const dims = x.dims.map((size, i) => (i === at ? d.int(1, 3) : d.int(Math.max(1, size - 1), size)));
  const indices = Array.from({ length: sizeOf(dims) }, () => d.int(-x.dims[at]!, x.dims[at]! - 1));
  return small(dims) ? [d.one('GatherElements', [x.name, d.ints(indices, dims)], { axis })] : undefined;
};

const Flatten: Move = (d, x) => [d.one('Flatten', [x.name], { axis: d.int(-x.dims.length, x.dims.length) })];

export const layouts: Moves = {
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
  Gather,
  GatherElements,
};
