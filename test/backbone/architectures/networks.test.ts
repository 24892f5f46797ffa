import { describe, expect, it } from 'vitest';
import { buildNetwork } from '../../../src/backbone/architectures/build.ts';
import { articulationPoints } from '../../../src/onnx/passes/articulation.ts';
import { signs } from '../../autodiff/golden-values.ts';
import { type Golden, goldenImages, goldenState, readGolden } from './golden.ts';
import { logitsOf, lossAndGradients } from './gradients.ts';

/** Of logits, whose deviation is about 1: float32 against float64 through up to 120 layers. */
const LOGITS_TOLERANCE = 1e-4;
/** Of a gradient: the norm of its difference over its norm. */
const TOLERANCE = 1e-3;

const GRADIENTS = ['resnet50', 'vgg16', 'vgg19', 'inception_v3', 'densenet121', 'mobilenet_v2'].concat([
  'mobilenet_v3_large',
  'efficientnet_b0',
  'convnext_tiny',
  'vit',
]);
const VARIANTS = ['resnet18', 'resnext50_32x4d', 'vgg11_bn', 'mobilenet_v3_small', 'efficientnet_b1'];

const longest = 2 ** 22;
let directions: readonly Int8Array[] | undefined;

/** Norm and projections, as the script stores them. */
function measures(gradient: Float32Array, count: number): number[] {
  directions ??= Array.from({ length: count }, (_, k) => signs(k, longest));
  let squares = 0;
  for (const g of gradient) squares += g * g;
  const projections = directions.map((direction) => {
    let sum = 0;
    for (let i = 0; i < gradient.length; i++) sum += direction[i]! * gradient[i]!;
    return sum;
  });
  return [Math.sqrt(squares), ...projections];
}

function build(name: string): { readonly golden: Golden; readonly network: ReturnType<typeof buildNetwork> } {
  const golden = readGolden(name);
  return { golden, network: buildNetwork(goldenState(golden), { size: golden.size }) };
}

function farthest(got: ArrayLike<number>, expected: readonly number[]): number {
  expect(got.length).toBe(expected.length);
  return Math.max(...expected.map((v, i) => Math.abs(v - got[i]!)));
}

describe('a network with the weights of torchvision', () => {
  it.each(GRADIENTS)('has the logits and gradients of PyTorch: %s', async (name) => {
    const { golden, network } = build(name);
    expect(network.name).toBe(name);
    const expected = Object.entries(golden.gradients ?? {});
    const targets = Array.from({ length: golden.batch }, (_, i) => (i * 3) % 10);
    const names = expected.map(([weight]) => weight).filter((weight) => !weight.startsWith('AuxLogits.'));
    const got = await lossAndGradients(network.model, goldenImages(golden), targets, 10, names);
    expect(farthest(got.logits, golden.logits)).toBeLessThan(LOGITS_TOLERANCE);
    expect(got.loss).toBeCloseTo(golden.loss!, 4);
    const errors = expected.flatMap(([weight, [norm = 0, ...projections]]): [string, number][] => {
      const [length = 0, ...sums] = measures(got.gradients.get(weight) ?? new Float32Array(0), projections.length);
      // Σ ± d over random signs has the mean square ‖d‖².
      const squares = sums.map((s, i) => (s - projections[i]!) ** 2);
      const rms = Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length);
      return [[weight, Math.max(Math.abs(length - norm), rms) / norm]];
    });
    // NaN is not within the tolerance either.
    expect(errors.filter(([, e]) => !(e <= TOLERANCE))).toEqual([]);
  });

  it.each(VARIANTS)('has the logits of PyTorch: %s', async (name) => {
    const { golden, network } = build(name);
    expect(network.name).toBe(name);
    const got = await logitsOf(network.model, goldenImages(golden));
    expect(farthest(got, golden.logits)).toBeLessThan(LOGITS_TOLERANCE);
  });

  it.each([...GRADIENTS, ...VARIANTS])('can be cut at every block, up to the features: %s', (name) => {
    const { network } = build(name);
    const points = articulationPoints(network.model.graph, 'input', [network.features]);
    const cuts = network.cuts.map((c) => c.tensor);
    expect(points.filter((p) => cuts.includes(p))).toEqual(cuts);
    expect(cuts[0]).toBe('input');
    expect(cuts.at(-1)).toBe(network.features);
    // Maps, vectors, and the tokens of a transformer.
    for (const { dims } of network.cuts) expect(name === 'vit' ? [1, 2, 3] : [3]).toContain(dims.length);
  });
});
