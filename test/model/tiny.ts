import type { Backbone } from '../../src/backbone/types.ts';
import { rngOf } from '../../src/core/rng.ts';
import type { Taxonomy } from '../../src/dataset/types.ts';
import type { RgbImage } from '../../src/image/types.ts';
import { modelCard } from '../../src/model/card.ts';
import { type HeadSpec, initHead } from '../../src/model/head.ts';
import type { ShipSpec } from '../../src/model/ship.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32, int, ints, type Tensor } from '../../src/onnx/model.ts';

export const LABELS = ['bcc', 'mel', 'nv'];
export const TAXONOMY: Taxonomy = { positive: 'malignant', negative: 'benign', positiveLabels: ['bcc', 'mel'] };
export const HEAD: HeadSpec = { kind: 'mlp', units: 7, dropout: 0.25, slope: 0.3 };

function random(dims: readonly number[], seed: number, low = -1, high = 1): Tensor {
  const rng = rngOf(seed, dims.join());
  const size = dims.reduce((a, b) => a * b, 1);
  return float32(
    Float32Array.from({ length: size }, () => rng.uniform(low, high)),
    dims,
  );
}

/**
 * Two blocks of Conv, BatchNormalization and Relu on 32 × 32 BGR images, opset 17. Its names are those that the shipped model
 * uses itself, to see that they do not meet.
 */
export function tinyBackbone(cut = 'probabilities'): Backbone {
  const b = graphBuilder();
  const block = (x: string, name: string, channels: readonly [number, number], output: string): string => {
    const [from, to] = channels;
    const w = b.constant(random([to, from, 3, 3], 1), `${name}/kernel`);
    const conv = b.add('Conv', [x, w], { pads: ints([1, 1, 1, 1]), strides: ints([2, 2]) }, { name: `${name}/conv` });
    const norm = b.add('BatchNormalization', [
      conv,
      b.constant(random([to], 2, 0.5, 2), `${name}/gamma`),
      b.constant(random([to], 3), `${name}/beta`),
      b.constant(random([to], 4), `${name}/mean`),
      b.constant(random([to], 5, 0.5, 2), `${name}/variance`),
    ]);
    return b.add('Relu', [norm], {}, { name: `${name}/relu`, output });
  };
  const first = block('image', 'pixels', [3, 4], cut);
  const mean = b.add('ReduceMean', [first], { axes: ints([2, 3]), keepdims: int(1) });
  const features = block(b.add('Sub', [first, mean]), 'resize', [4, 5], 'features');
  return {
    name: 'tiny',
    model: {
      graph: b.graph(
        [{ name: 'image', dtype: 'float32', dims: ['N', 3, 32, 32] }],
        [{ name: features, dtype: 'float32', dims: ['N', 5, 8, 8] }],
      ),
      opset: 17,
      domains: {},
      irVersion: 8,
      producer: 'test',
      metadata: {},
    },
    input: {
      name: 'image',
      size: 32,
      layout: 'NCHW',
      channels: 'BGR',
      scale: [1 / 127, 1 / 128, 1 / 129],
      offset: [-1, -0.9, -0.8],
    },
    features,
    cuts: [
      { name: 'input', tensor: 'image', dims: [3, 32, 32] },
      { name: 'block_1', tensor: cut, dims: [4, 16, 16] },
      { name: 'block_2', tensor: 'features', dims: [5, 8, 8] },
    ],
    licence: 'MIT',
    origin: 'random numbers, “made” for tests',
    sha256: '0'.repeat(64),
  };
}

/** A head and, behind the first block, a tail with values of their own. */
export function tinyWeights(backbone: Backbone, head: HeadSpec, seed = 9): Map<string, Tensor> {
  const weights = initHead(head, 5, LABELS.length, rngOf(seed, 'head'));
  const statistics: Record<string, readonly [number, number]> = {
    'head/batch_norm/moving_mean': [-1, 1],
    'head/batch_norm/moving_variance': [0.5, 2],
  };
  for (const [name, [low, high]] of Object.entries(statistics)) {
    const old = weights.get(name);
    if (old !== undefined) weights.set(name, random(old.dims, seed, low, high));
  }
  for (const name of ['resize/kernel', 'resize/gamma', 'resize/beta']) {
    weights.set(name, random(backbone.model.graph.initializers.get(name)!.dims, seed));
  }
  return weights;
}

export function tinySpec(head: HeadSpec = HEAD): ShipSpec {
  const backbone = tinyBackbone();
  const card = modelCard(backbone, {
    labels: LABELS,
    taxonomy: TAXONOMY,
    head,
    cut: 'block_1',
    trainingData: 'a'.repeat(64),
    splits: 'b'.repeat(64),
    config: 'c'.repeat(64),
    seed: -3,
  });
  return { backbone, head, weights: tinyWeights(backbone, head), card };
}

/** Smooth stripes whose direction and colour depend on the seed. */
export function picture(width: number, height: number, seed: number): RgbImage {
  const rng = rngOf(seed, 'picture');
  const [u, v, w] = [rng.uniform(0.05, 0.4), rng.uniform(0.05, 0.4), rng.uniform(0, 3)];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = 127 + 120 * Math.sin(u * x + v * y + w * c);
  return { width, height, data };
}
