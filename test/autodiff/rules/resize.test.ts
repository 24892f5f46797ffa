import fc from 'fast-check';
import { it } from 'vitest';
import { float32, int, int64, string } from '../../../src/onnx/model.ts';
import { expectDirection } from '../finite-differences.ts';
import { uniform } from './cases/values.ts';

const mode = fc.constantFrom('nearest', 'linear', 'cubic');
const how = fc.record({
  coordinate_transformation_mode: fc.constantFrom(
    'half_pixel',
    'half_pixel_symmetric',
    'pytorch_half_pixel',
    'align_corners',
    'asymmetric',
  ),
  nearest_mode: fc.constantFrom('round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'),
});
const size = fc.integer({ min: 1, max: 12 });

/** Resize is linear: the difference is exact up to rounding, at any distance. */
it('Resize to any size, in any mode', () =>
  fc.assert(
    fc.asyncProperty(
      mode,
      how,
      fc.boolean(),
      fc.tuple(size, size, size, size),
      async (m, h, antialias, [fromV, fromH, toV, toH]) => {
        const inputs = [uniform([1, 2, fromV, fromH]), undefined, undefined, int64([1, 2, toV, toH])];
        const attributes = {
          mode: string(m),
          coordinate_transformation_mode: string(h.coordinate_transformation_mode),
          nearest_mode: string(h.nearest_mode),
          ...(m === 'nearest' ? {} : { antialias: int(Number(antialias)) }),
        };
        await expectDirection('Resize', { name: 'any', inputs, attributes }, 1, 1e-5);
      },
    ),
    { numRuns: 40 },
  ));

it('Resize by any scale, in any mode', () =>
  fc.assert(
    fc.asyncProperty(
      mode,
      how,
      fc.tuple(size, size),
      fc.tuple(fc.double({ min: 0.3, max: 4, noNaN: true }), fc.double({ min: 0.3, max: 4, noNaN: true })),
      async (m, h, [v, w], [sv, sw]) => {
        fc.pre(v * sv >= 1 && w * sw >= 1);
        const scales = float32([1, 1, sv, sw], [4]);
        const attributes = {
          mode: string(m),
          coordinate_transformation_mode: string(h.coordinate_transformation_mode),
          nearest_mode: string(h.nearest_mode),
        };
        const inputs = [uniform([1, 2, v, w]), undefined, scales];
        await expectDirection('Resize', { name: 'any', inputs, fixed: [2], attributes }, 1, 1e-5);
      },
    ),
    { numRuns: 40 },
  ));
