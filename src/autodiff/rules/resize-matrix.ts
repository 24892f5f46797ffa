import type { ResizedAxis } from '../../onnx/shapes/resize.ts';

/** How an axis is resampled; names are ONNX's. */
export interface Resampling {
  readonly mode: 'nearest' | 'linear' | 'cubic';
  readonly coordinates: CoordinateMode;
  readonly nearest: NearestMode;
  /** Coefficient a of the cubic kernel. */
  readonly cubicA: number;
  /** Whether neighbours beyond the ends weigh nothing, instead of repeating the last element. */
  readonly excludeOutside: boolean;
  /** Whether a kernel widens where the axis shrinks. */
  readonly antialias: boolean;
}

export const COORDINATE_MODES = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
] as const;
type CoordinateMode = (typeof COORDINATE_MODES)[number];

export const NEAREST_MODES = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;
type NearestMode = (typeof NEAREST_MODES)[number];

/** Weights of the input elements that make one output element. */
type Row = ReadonlyMap<number, number>;

/**
 * Resizing an axis is a fixed matrix: Y = M X.
 *
 * @returns the rows of M, one per output element
 */
export function resizeRows(axis: ResizedAxis, how: Resampling): readonly Row[] {
  return Array.from({ length: axis.output }, (_, j) => {
    const at = coordinate(axis, how.coordinates, j);
    if (how.mode === 'nearest') return new Map([[within(nearest(at, how.nearest), axis.input), 1]]);
    if (how.antialias) return filteredRow(axis, how, at);
    return how.mode === 'linear' ? linearRow(at, axis.input) : cubicRow(at, axis.input, how);
  });
}

/** Position of output element j on the input axis, in float32 as the runtime computes it. */
function coordinate({ input, output, scale }: ResizedAxis, mode: CoordinateMode, j: number): number {
  const f = Math.fround;
  const s = f(scale);
  const halfPixel = (): number => f(f(f(j + 0.5) / s) - 0.5);
  switch (mode) {
    case 'half_pixel':
      return halfPixel();
    case 'pytorch_half_pixel':
      return output > 1 ? halfPixel() : 0;
    case 'asymmetric':
      return f(j / s);
    case 'align_corners':
      return output === 1 ? 0 : f(f(j * (input - 1)) / (output - 1));
    case 'half_pixel_symmetric':
      // Here the runtime adds up in double precision.
      return f(f((input / 2) * f(1 - f(output / f(s * input)))) + (j + 0.5) / s - 0.5);
  }
}

/** Positions this close to the middle between two elements count as the middle, in onnxruntime 1.30. */
const MIDDLE = 1e-6;

function nearest(at: number, mode: NearestMode): number {
  switch (mode) {
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    case 'round_prefer_floor':
      return Math.ceil(at - 0.5 - MIDDLE);
    case 'round_prefer_ceil':
      return Math.floor(at + 0.5 + MIDDLE);
  }
}

const within = (i: number, size: number): number => Math.min(size - 1, Math.max(0, i));

function linearRow(at: number, size: number): Row {
  const x = within(at, size);
  const low = Math.floor(x);
  return gathered(
    [
      [low, 1 - (x - low)],
      [low + 1, x - low],
    ],
    size,
    false,
  );
}

/** @see Keys 1981, doi:10.1109/TASSP.1981.1163711 */
function cubicRow(at: number, size: number, { cubicA, excludeOutside }: Resampling): Row {
  const low = Math.floor(at);
  const taps = [-1, 0, 1, 2].map((k) => [low + k, cubic(Math.abs(at - low - k), cubicA)] as const);
  return gathered(taps, size, excludeOutside);
}

function cubic(x: number, a: number): number {
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

/** The kernel stretched over what one output element covers, its weights adding up to 1. */
function filteredRow({ input, scale }: ResizedAxis, { mode, cubicA, excludeOutside }: Resampling, at: number): Row {
  const stretch = Math.max(1, 1 / scale);
  const support = (mode === 'linear' ? 1 : 2) * stretch;
  const kernel = (x: number): number => (mode === 'linear' ? Math.max(0, 1 - x) : cubic(x, cubicA));
  const centre = at + 0.5;
  const first = Math.floor(centre - support + 0.5);
  const last = Math.floor(centre + support + 0.5);
  const taps = Array.from({ length: last - first }, (_, i) => {
    const k = first + i;
    return [k, kernel(Math.abs(k - centre + 0.5) / stretch)] as const;
  });
  return normalised(gathered(taps, input, excludeOutside));
}

/** Weights by element. Those beyond the ends go to the last element, or to none. */
function gathered(taps: readonly (readonly [at: number, weight: number])[], size: number, exclude: boolean): Row {
  const row = new Map<number, number>();
  for (const [at, weight] of taps) {
    const i = within(at, size);
    if (weight !== 0 && !(exclude && i !== at)) row.set(i, (row.get(i) ?? 0) + weight);
  }
  return exclude ? normalised(row) : row;
}

function normalised(row: Row): Row {
  let total = 0;
  for (const weight of row.values()) total += weight;
  return new Map([...row].map(([i, weight]) => [i, weight / total]));
}
