import { type Attributes, float, float32, int, int64, ints, string } from '../../../../src/onnx/model.ts';
import { type Cases, uniform } from './values.ts';

const COORDINATES = [
  'half_pixel',
  'half_pixel_symmetric',
  'pytorch_half_pixel',
  'align_corners',
  'asymmetric',
] as const;
const NEAREST = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const;

type Mode = 'nearest' | 'linear' | 'cubic';

const toSizes = (
  mode: Mode,
  name: string,
  dims: readonly number[],
  sizes: readonly number[],
  attributes: Attributes = {},
) => ({
  name: `${mode}, ${name}`,
  inputs: [uniform(dims), undefined, undefined, int64(sizes)],
  attributes: { mode: string(mode), ...attributes },
});
const byScales = (
  mode: Mode,
  name: string,
  dims: readonly number[],
  scales: readonly number[],
  attributes: Attributes = {},
) => ({
  name: `${mode}, ${name}`,
  inputs: [uniform(dims), undefined, float32(scales, [scales.length])],
  fixed: [2],
  attributes: { mode: string(mode), ...attributes },
});
const coordinates = (mode: string) => ({ coordinate_transformation_mode: string(mode) });

/** Resize is linear, so that these are exact up to rounding. Layout NCHW. */
export const resizing = {
  Resize: [
    byScales('nearest', 'twice as large, as in feature pyramids', [2, 2, 2, 3], [1, 1, 2, 2], {
      ...coordinates('asymmetric'),
      nearest_mode: string('floor'),
    }),
    byScales('nearest', 'three times as high', [1, 2, 2, 3], [1, 1, 3, 1]),
    byScales('nearest', 'a sequence', [2, 3, 4], [1, 1, 2]),
    byScales('nearest', 'a volume', [1, 1, 2, 2, 2], [1, 1, 2, 1, 3]),
    byScales('nearest', 'images and channels too', [2, 2, 2, 2], [2, 1.5, 1, 2]),
    byScales('linear', 'nothing', [1, 1, 2, 2], [1, 1, 1, 1]),
    byScales('linear', 'scales that do not give whole sizes', [1, 1, 5, 4], [1, 1, 1.7, 0.6]),
    byScales('linear', 'rows', [3, 4], [2, 0.6]),
    byScales('linear', 'a volume', [1, 2, 2, 3, 2], [1, 1, 2, 1.5, 2]),
    byScales('linear', 'a sequence', [1, 2, 4], [1, 1, 2.5]),
    byScales('linear', 'symmetric, cut short', [1, 1, 4, 5], [1, 1, 1.3, 1.7], coordinates('half_pixel_symmetric')),
    ...COORDINATES.flatMap((mode) => [
      toSizes('linear', `${mode}, larger`, [1, 2, 3, 2], [1, 2, 5, 7], coordinates(mode)),
      toSizes('linear', `${mode}, smaller`, [1, 1, 7, 5], [1, 1, 3, 2], coordinates(mode)),
      toSizes('linear', `${mode}, to one element`, [1, 1, 3, 4], [1, 1, 1, 1], coordinates(mode)),
      toSizes('linear', `${mode}, from one element`, [1, 1, 1, 1], [1, 1, 2, 3], coordinates(mode)),
      toSizes('cubic', `${mode}, larger`, [1, 1, 3, 4], [1, 1, 5, 7], coordinates(mode)),
      toSizes('cubic', `${mode}, smaller`, [1, 1, 7, 5], [1, 1, 3, 2], coordinates(mode)),
      ...NEAREST.flatMap((nearest) => [
        toSizes('nearest', `${mode}, ${nearest}, larger`, [1, 1, 3, 4], [1, 1, 7, 6], {
          ...coordinates(mode),
          nearest_mode: string(nearest),
        }),
        toSizes('nearest', `${mode}, ${nearest}, smaller`, [1, 1, 7, 6], [1, 1, 3, 4], {
          ...coordinates(mode),
          nearest_mode: string(nearest),
        }),
      ]),
    ]),
    toSizes('cubic', 'other coefficient', [1, 1, 3, 4], [1, 1, 6, 6], { cubic_coeff_a: float(-0.5) }),
    toSizes('cubic', 'nothing outside', [1, 1, 4, 3], [1, 1, 6, 5], { exclude_outside: int(1) }),
    toSizes('linear', 'some axes, not larger', [1, 2, 3, 4], [7, 6], {
      axes: ints([2, 3]),
      keep_aspect_ratio_policy: string('not_larger'),
    }),
    toSizes('linear', 'some axes, not smaller', [1, 2, 4, 3], [7, 6], {
      axes: ints([3, 2]),
      keep_aspect_ratio_policy: string('not_smaller'),
    }),
    ...(['linear', 'cubic'] as const).flatMap((mode) => [
      toSizes(mode, 'antialias, smaller', [1, 1, 9, 8], [1, 1, 4, 3], { antialias: int(1) }),
      toSizes(mode, 'antialias, larger', [1, 1, 3, 4], [1, 1, 5, 7], { antialias: int(1) }),
      toSizes(mode, 'antialias, nothing outside', [1, 1, 7, 6], [1, 1, 3, 5], {
        antialias: int(1),
        exclude_outside: int(1),
      }),
    ]),
  ],
} satisfies Record<string, Cases>;
