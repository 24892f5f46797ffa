import { describe, expect, it } from 'vitest';
import { PORTABLE } from '../../src/autodiff/lower/lower.ts';
import { rngOf } from '../../src/core/rng.ts';
import { headParameters, initHead, LINEAR } from '../../src/model/head.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32, type Graph, int, ints, type Tensor } from '../../src/onnx/model.ts';
import type { Centred } from '../../src/train/centring.ts';
import { buildNetwork, type Tail } from '../../src/train/network.ts';
import { openStepper } from '../../src/train/step.ts';

const CHANNELS = 3;
const FILTERS = 6;
const SIDE = 5;
const BATCH = 4;
const RATE = 0.05;

const random = (dims: readonly number[], seed: string, low = -1, high = 1): Tensor => {
  const rng = rngOf(5, seed);
  return float32(
    Float32Array.from({ length: dims.reduce((p, d) => p * d, 1) }, () => rng.uniform(low, high)),
    dims,
  );
};

/** Y = Relu(Conv(X − μ, W, b′)) where μ is given, else Relu(Conv(X, W, b)). No padding, so that both are one function. */
function convTail(kernel: Tensor, bias: Tensor, group: number, mean: Float32Array | undefined): Graph {
  const b = graphBuilder();
  b.constant(kernel, 'kernel');
  b.constant(bias, 'bias');
  const x = mean === undefined ? 'x' : b.add('Sub', ['x', b.constant(float32(mean, [1, CHANNELS, 1, 1]))]);
  const y = b.add('Conv', [x, 'kernel', 'bias'], { kernel_shape: ints([3, 3]), group: int(group) });
  b.add('Relu', [y], {}, { output: 'y' });
  return b.graph(
    [{ name: 'x', dtype: 'float32', dims: ['N', CHANNELS, SIDE, SIDE] }],
    [{ name: 'y', dtype: 'float32', dims: ['N', FILTERS, 3, 3] }],
  );
}

async function trained(graph: Graph, centred: readonly Centred[]): Promise<Map<string, number[]>> {
  const tail: Tail = {
    graph,
    cut: 'x',
    features: 'y',
    cutDims: [CHANNELS, SIDE, SIDE],
    featureDims: [FILTERS, 3, 3],
    stored: 'float32',
  };
  const head = initHead(LINEAR, FILTERS, 2, rngOf(1, 'head'));
  const stepper = await openStepper(
    {
      network: buildNetwork(tail, LINEAR, 2, new Map([...graph.initializers, ...head]), 'fine-tune'),
      trainable: ['kernel', 'bias', ...headParameters(LINEAR)],
      batch: BATCH,
      loss: { kind: 'cross-entropy', labelSmoothing: 0 },
      optimizer: { kind: 'sgd', momentum: 0.9, weightDecay: 0 },
      clipNorm: 0,
      rates: new Map(),
      centred,
    },
    PORTABLE,
    { threads: 1 },
  );
  for (let step = 0; step < 6; step++) {
    const features = random([BATCH, CHANNELS, SIDE, SIDE], `x${step}`, 0, 2);
    await stepper.step({ features, targets: [0, 1, 1, 0], weights: new Float32Array(BATCH).fill(1), extra: {} }, RATE);
  }
  const weights = new Map([...(await stepper.read()).weights].map(([name, t]) => [name, Array.from(t.data, Number)]));
  await stepper.close();
  return weights;
}

describe.each([
  { what: 'a convolution', group: 1 },
  { what: 'one filter pair per channel', group: CHANNELS },
])('centred training of $what', ({ group }) => {
  const perGroup = CHANNELS / group;
  const kernel = random([FILTERS, perGroup, 3, 3], 'kernel');
  const bias = random([FILTERS], 'bias');
  const mean = Float32Array.from([0.9, 1.1, 0.7]);
  const size = perGroup * 9;
  /** Mean input of each weight of each filter. */
  const of = (filter: number, at: number): number =>
    mean[Math.floor(filter / (FILTERS / group)) * perGroup + Math.floor(at / 9)]!;
  const matrix = Float32Array.from({ length: FILTERS * size }, (_, i) => of(Math.floor(i / size), i % size));

  const layer: Centred = {
    kernel: 'kernel',
    shift: 'bias',
    filters: FILTERS,
    size,
    mean: group === 1 ? matrix.slice(0, size) : matrix,
    scale: undefined,
  };

  it('is plain training of W (X − μ) + b′', async () => {
    // The same function: b′ = b + W μ.
    const through = (w: ArrayLike<number>, f: number): number => {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += w[f * size + k]! * of(f, k);
      return sum;
    };
    const shifted = float32(
      Float32Array.from(
        { length: FILTERS },
        (_, f) => Number(bias.data[f]) + through(Array.from(kernel.data, Number), f),
      ),
      [FILTERS],
    );
    const explicit = await trained(convTail(kernel, shifted, group, mean), []);
    const centred = await trained(convTail(kernel, bias, group, undefined), [layer]);
    const back = explicit.get('bias')!.map((b, f) => b - through(explicit.get('kernel')!, f));
    centred.get('kernel')!.forEach((w, i) => {
      expect(w).toBeCloseTo(explicit.get('kernel')![i]!, 4);
    });
    centred.get('bias')!.forEach((b, f) => {
      expect(b).toBeCloseTo(back[f]!, 4);
    });
  });

  it('is not plain training', async () => {
    const plain = await trained(convTail(kernel, bias, group, undefined), []);
    const centred = await trained(convTail(kernel, bias, group, undefined), [layer]);
    const distance = centred.get('kernel')!.reduce((sum, w, i) => sum + Math.abs(w - plain.get('kernel')![i]!), 0);
    expect(distance).toBeGreaterThan(0.1);
  });
});
