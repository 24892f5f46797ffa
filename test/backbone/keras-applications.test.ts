import { describe, expect, it } from 'vitest';
import { storedToBackbone } from '../../src/backbone/importers/keras-h5.ts';
import type { Backbone } from '../../src/backbone/types.ts';
import { formulaValues } from '../autodiff/golden-values.ts';
import { type KerasGolden, kerasGolden, storedLayers } from './keras-golden.ts';
import { meanSquareGradients } from './mean-square.ts';
import { expectClose, meanOverImage } from './run.ts';

/** Of the largest value. */
const FEATURES_TOLERANCE = 1e-4;
/** Of a gradient's norm. Typically 5e-6; one value on the other side of a kink makes 1e-3. */
const GRADIENT_TOLERANCE = 1e-3;
const TIMEOUT = 60_000;

function build(name: string): { readonly golden: KerasGolden; readonly backbone: Backbone } {
  const golden = kerasGolden(name);
  const stored = { layers: storedLayers(golden), network: undefined };
  return { golden, backbone: storedToBackbone(stored, { path: `${name}.h5`, sha256: '' }, { size: golden.size }) };
}

const imageOf = ({ seed, size }: KerasGolden) => formulaValues('image', seed, [2, 3, size, size], -1.5, 1.5);

function norm(values: ArrayLike<number | bigint>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Number(values[i]) ** 2;
  return Math.sqrt(sum);
}

/** Error of the norm or of a few samples, whichever is larger. */
function gradientError(g: ArrayLike<number | bigint>, [length = 0, ...samples]: readonly number[]): number {
  const stride = Math.ceil(g.length / 4);
  if (samples.length !== Math.ceil(g.length / stride)) return Number.POSITIVE_INFINITY;
  const differences = samples.map((v, i) => Number(g[i * stride]) - v);
  // A sample's share of the norm, unless it happens to be larger.
  const share = Math.max(norm(samples), length * Math.sqrt(samples.length / g.length));
  return Math.max(Math.abs(norm(g) / length - 1), norm(differences) / share);
}

describe('networks have the features and gradients of PyTorch', () => {
  it.each(['resnet50', 'xception', 'vgg16', 'vgg19', 'inception_v3', 'mobilenet_v2'])(
    '%s',
    async (name) => {
      const { golden, backbone } = build(name);
      expect(backbone.name).toBe(name);
      const got = await meanSquareGradients(backbone, imageOf(golden), Object.keys(golden.gradients));
      expect(got.features.dims).toEqual([2, ...golden.dims]);
      const means = meanOverImage(got.features).filter((_, i) => i % 8 === 0);
      expectClose(means, golden.features.flat(), FEATURES_TOLERANCE);
      const errors = Object.entries(golden.gradients).map(
        ([w, expected]) => [w, gradientError(got.gradients.get(w)?.data ?? [], expected)] as const,
      );

      expect(errors.filter(([, e]) => !(e <= GRADIENT_TOLERANCE))).toEqual([]);
    },
    TIMEOUT,
  );
});
