/** Moves on images, NCHW, and on other tensors [N, C, spatial…]. */
import { sizeOf } from '../../../src/onnx/model.ts';
import type { Fields } from './description.ts';
import type { Draft, Live } from './draft.ts';
import { type Move, type Moves, small } from './move.ts';

const width = (fan: number): number => Number(Math.sqrt(3 / fan).toFixed(3));

const spatialOf = (x: Live): readonly number[] | undefined =>
  x.dims.length >= 3 && x.dims.length <= 5 ? x.dims.slice(2) : undefined;

interface Window {
  readonly kernel: readonly number[];
  readonly fields: Fields;
}

/**
 * Kernel, strides, dilations and pads that fit. Attributes at their defaults are left out half of the time.
 *
 * @param pad largest padding for a kernel size
 */
function windowOf(d: Draft, spatial: readonly number[], pad: (kernel: number) => number, dilated = true): Window {
  const kernel = spatial.map((size) => d.int(1, Math.min(3, size)));
  const strides = spatial.map(() => d.pick([1, 1, 2]));
  const auto = d.chance(0.15);
  const dilations = spatial.map((size, i) =>
    dilated && !auto && kernel[i]! > 1 && size >= 2 * (kernel[i]! - 1) + 1 && d.chance(0.35) ? 2 : 1,
  );
  const pads = [...kernel, ...kernel].map((k) => d.int(0, pad(k)));
  const unless = (name: string, values: readonly number[], standard: number): Fields =>
    values.every((v) => v === standard) && d.chance(0.5) ? {} : { [name]: values };
  return {
    kernel,
    fields: {
      ...unless('strides', strides, 1),
      ...(dilated ? unless('dilations', dilations, 1) : {}),
      ...(auto ? { auto_pad: d.pick(['SAME_UPPER', 'SAME_LOWER', 'VALID']) } : unless('pads', pads, 0)),
    },
  };
}

const groupsOf = (d: Draft, channels: number): number =>
  d.pick([1, 1, channels, ...Array.from({ length: channels }, (_, i) => i + 1).filter((g) => channels % g === 0)]);

const Conv: Move = (d, x) => {
  const spatial = spatialOf(x);
  if (spatial === undefined) return undefined;
  const channels = x.dims[1]!;
  const group = groupsOf(d, channels);
  const outputs = group * d.int(1, Math.max(1, Math.floor(6 / group)));
  const { kernel, fields } = windowOf(d, spatial, (k) => Math.min(2, k));
  const inputs = channels / group;
  const limit = width(inputs * sizeOf(kernel));
  const w = d.weight([outputs, inputs, ...kernel], -limit, limit);
  const bias = d.chance(0.5) ? [d.weight([outputs], -0.4, 0.4).name] : [];
  const shape: Fields = d.chance(0.6) ? { kernel_shape: kernel } : {};
  const groups: Fields = group > 1 || d.chance(0.5) ? { group } : {};
  return fitting([d.one('Conv', [x.name, w.name, ...bias], { ...shape, ...groups, ...fields })]);
};

const ConvTranspose: Move = (d, x) => {
  const spatial = spatialOf(x);
  if (spatial === undefined) return undefined;
  const channels = x.dims[1]!;
  const group = groupsOf(d, channels);
  const perGroup = d.int(1, Math.max(1, Math.floor(4 / group)));
  const kernel = spatial.map(() => d.int(1, 3));
  const strides = spatial.map(() => d.int(1, 2));
  const dilations = spatial.map(() => d.pick([1, 1, 2]));
  const extra = strides.map((s) => (s > 1 && d.chance(0.3) ? 1 : 0));
  const full = spatial.map((size, i) => strides[i]! * (size - 1) + extra[i]! + dilations[i]! * (kernel[i]! - 1) + 1);
  const pads = [0, 1].flatMap(() => full.map((size, i) => (size > 3 ? d.int(0, Math.min(2, kernel[i]!)) : 0)));
  const outputs = full.map((size, i) => size - pads[i]! - pads[i + full.length]!);
  if (!small([x.dims[0]!, group * perGroup, ...outputs]) || outputs.some((s) => s < 1)) return undefined;
  const limit = width((channels / group) * sizeOf(kernel));
  const w = d.weight([channels, perGroup, ...kernel], -limit, limit);
  const bias = d.chance(0.5) ? [d.weight([group * perGroup], -0.4, 0.4).name] : [];
  // onnxruntime 1.30 infers wrong shapes from output_shape where there are groups, or where it is less than the input.
  const asked = d.chance(0.25) && group === 1 && outputs.every((size, i) => size >= spatial[i]!);
  return [
    d.one('ConvTranspose', [x.name, w.name, ...bias], {
      kernel_shape: kernel,
      strides,
      ...(dilations.some((v) => v > 1) ? { dilations } : {}),
      ...(group > 1 ? { group } : {}),
      ...(extra.some((v) => v > 0) ? { output_padding: extra } : {}),
      ...(asked ? { output_shape: outputs } : { pads }),
    }),
  ];
};

/** A pooling with or without padding; the kernel is larger than its padding. */
function pool(op: string, more: (d: Draft) => Fields): Move {
  return (d, x) => {
    const spatial = spatialOf(x);
    if (spatial === undefined || sizeOf(spatial) === 1) return undefined;
    const { kernel, fields } = windowOf(d, spatial, (k) => Math.min(1, k - 1), op === 'MaxPool');
    const ceil: Fields = 'auto_pad' in fields ? {} : d.chance(0.3) ? { ceil_mode: 1 } : {};
    return fitting([d.one(op, [x.name], { kernel_shape: kernel, ...fields, ...ceil, ...more(d) })]);
  };
}

const global =
  (op: string): Move =>
  (d, x) =>
    spatialOf(x) === undefined ? undefined : [d.one(op, [x.name])];

const fitting = (made: readonly Live[]): readonly Live[] | undefined =>
  made.every((t) => small(t.dims) && t.dims.every((s) => s > 0)) ? made : undefined;

/** Scale and shift by channel. */
const affine = (d: Draft, n: number): string[] => [d.weight([n], 0.5, 1.5).name, d.weight([n], -0.4, 0.4).name];

const BatchNormalization: Move = (d, x) => {
  if (x.dims.length < 2 || x.dims.length > 5) return undefined;
  const n = x.dims[1]!;
  const moments = [d.fixed([n], -0.3, 0.3), d.fixed([n], 0.5, 1.5)];
  const epsilon: Fields = d.chance(0.5) ? { epsilon: { float: 0.001 } } : {};
  const training = d.chance(0.35) && sizeOf(x.dims) / n > 3;
  if (!training) return [d.one('BatchNormalization', [x.name, ...affine(d, n), ...moments], epsilon)];
  const made = d.node('BatchNormalization', [x.name, ...affine(d, n), ...moments], { ...epsilon, training_mode: 1 }, 3);
  return made.slice(0, 1);
};

const InstanceNormalization: Move = (d, x) => {
  const spatial = spatialOf(x);
  if (spatial === undefined || sizeOf(spatial) < 3) return undefined;
  return [
    d.one(
      'InstanceNormalization',
      [x.name, ...affine(d, x.dims[1]!)],
      d.chance(0.5) ? { epsilon: { float: 0.01 } } : {},
    ),
  ];
};

const GroupNormalization: Move = (d, x) => {
  const spatial = spatialOf(x);
  const channels = x.dims[1]!;
  if (spatial === undefined || (sizeOf(spatial) * channels) / channels < 3) return undefined;
  const num_groups = d.pick(Array.from({ length: channels }, (_, i) => i + 1).filter((g) => channels % g === 0));
  return [d.one('GroupNormalization', [x.name, ...affine(d, channels)], { num_groups })];
};

/** The channels weighed by a small network of their means. */
const SqueezeExcite: Move = (d, x) => {
  if (x.dims.length !== 4) return undefined;
  const channels = x.dims[1]!;
  const limit = width(channels);
  const means = d.one('GlobalAveragePool', [x.name]);
  const w = d.weight([channels, channels, 1, 1], -limit, limit);
  const gate = d.one(d.pick(['Sigmoid', 'HardSigmoid']), [d.one('Conv', [means.name, w.name]).name]);
  return [d.one('Mul', [x.name, gate.name])];
};

const DepthToSpace: Move = (d, x) => {
  if (x.dims.length !== 4 || x.dims[1]! % 4 !== 0) return undefined;
  return [
    d.one('DepthToSpace', [x.name], { blocksize: 2, ...(d.chance(0.6) ? { mode: d.pick(['DCR', 'CRD']) } : {}) }),
  ];
};

const SpaceToDepth: Move = (d, x) => {
  if (x.dims.length !== 4 || x.dims[2]! % 2 !== 0 || x.dims[3]! % 2 !== 0) return undefined;
  return [d.one('SpaceToDepth', [x.name], { blocksize: 2 })];
};

const TRANSFORMS = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'];

const Resize: Move = (d, x) => {
  if (x.dims.length !== 4) return undefined;
  const [h, w] = [x.dims[2]!, x.dims[3]!];
  const mode = d.pick(['linear', 'nearest']);
  const coordinate_transformation_mode = d.pick(TRANSFORMS);
  const rounding: Fields =
    mode === 'nearest' ? { nearest_mode: d.pick(['round_prefer_floor', 'floor', 'ceil', 'round_prefer_ceil']) } : {};
  const fields: Fields = { mode, coordinate_transformation_mode, ...rounding };
  if (d.chance(0.5)) {
    const scales = d.pick([
      [2, 2],
      [1, 2],
      [0.5, 2],
      [1.5, 1.5],
      [3, 1],
    ]);
    const out = [...x.dims.slice(0, 2), Math.floor(h * scales[0]!), Math.floor(w * scales[1]!)];
    if (!small(out) || out.some((s) => s < 1)) return undefined;
    return [d.one('Resize', [x.name, '', d.floats([1, 1, ...scales])], fields)];
  }
  const sizes = [d.int(1, 2 * h), d.int(1, 2 * w)];
  if (!small([...x.dims.slice(0, 2), ...sizes])) return undefined;
  return [d.one('Resize', [x.name, '', '', d.ints([...x.dims.slice(0, 2), ...sizes])], fields)];
};

export const images: Moves = {
  Conv,
  ConvAgain: Conv,
  ConvTranspose,
  MaxPool: pool('MaxPool', () => ({})),
  AveragePool: pool('AveragePool', (d): Fields => (d.chance(0.5) ? { count_include_pad: 1 } : {})),
  GlobalAveragePool: global('GlobalAveragePool'),
  GlobalMaxPool: global('GlobalMaxPool'),
  BatchNormalization,
  InstanceNormalization,
  GroupNormalization,
  SqueezeExcite,
  DepthToSpace,
  SpaceToDepth,
  Resize,
};
