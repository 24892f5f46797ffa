import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { appendGradients } from '../../src/autodiff/append-gradients.ts';
import { lower, PORTABLE, type Target } from '../../src/autodiff/lower/lower.ts';
import { cutTensor, dimsAt, tailGraph } from '../../src/features/trunk.ts';
import { headParameters, LINEAR } from '../../src/model/head.ts';
import { blockSize } from '../../src/onnx/blocked.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32, int64, type Tensor, type ValueInfo } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { addLoss } from '../../src/optim/losses.ts';
import { runnable } from '../../src/train/fixed-batch.ts';
import { buildNetwork, FEATURES, LOGITS, type Tail } from '../../src/train/network.ts';
import { layerUnits } from '../../src/train/units.ts';
import { loadIfReachable } from '../backbone/reachable.ts';
import { type Block, INPUT, inverted, OUTPUT, residual, squeeze } from './golden-blocks.ts';
import { CLASSES, formulaHead, formulaTargets, formulaValues, LABEL_SMOOTHING, signs } from './golden-values.ts';

/** Of a gradient: the norm of its difference over its norm. */
const TOLERANCE = 1e-4;
const LOSS_TOLERANCE = 1e-5;
/** Samples and random projections of a large gradient, as the script stores them. */
const SAMPLES = 64;
const PROJECTIONS = 8;

interface Golden {
  readonly inception_v3: {
    readonly seed: number;
    readonly batch: number;
    readonly loss: number;
    readonly tensors: Readonly<Record<string, { norm: number; samples: number[]; projections: number[] }>>;
  };
  readonly blocks: Readonly<
    Record<string, { seed: number; batch: number; loss: number; gradients: Record<string, number[]> }>
  >;
}
const golden: Golden = JSON.parse(readFileSync(new URL('../golden/gradients.json', import.meta.url), 'utf8'));

const block = await blockSize();
const TARGETS: readonly (readonly [name: string, target: Target])[] = [
  ['portable', PORTABLE],
  ...(block > 0 ? [[`blocks of ${block}`, { block }] as const] : []),
];

/** Loss and gradients of tail and linear head on given features, with every weight fed as in a training step. */
async function lossAndGradients(
  tail: Tail,
  trainable: readonly string[],
  features: Tensor,
  seed: number,
  target: Target,
): Promise<{ readonly loss: number; readonly gradients: ReadonlyMap<string, Float32Array> }> {
  const n = features.dims[0]!;
  const { graph } = buildNetwork(tail, LINEAR, CLASSES, formulaHead(tail.featureDims[0]!, seed), 'fine-tune');
  const { targets, weights } = formulaTargets(n);
  const fed = new Map(trainable.map((name) => [name, graph.initializers.get(name)!]));
  const info = (name: string, { dtype, dims }: Tensor): ValueInfo => ({ name, dtype, dims });
  const feeds: Record<string, Tensor> = {
    [FEATURES]: features,
    targets: int64(targets),
    weights,
    ...Object.fromEntries(fed),
  };
  const inputs = Object.entries(feeds).map(([name, tensor]) => info(name, tensor));
  const initializers = new Map([...graph.initializers].filter(([name]) => !fed.has(name)));
  const forward = graphBuilder({ nodes: graph.nodes, initializers, inputs });
  const loss = addLoss(forward, { logits: LOGITS, targets: 'targets', weights: 'weights' }, CLASSES, {
    kind: 'cross-entropy',
    labelSmoothing: LABEL_SMOOTHING,
  });
  const { builder, gradients, infos } = appendGradients(forward.graph(inputs, []), { loss, wrt: trainable });
  const outputs = [
    { name: loss, dtype: 'float32', dims: [] } as const,
    ...[...gradients].map(([name, gradient]) => info(gradient, fed.get(name)!)),
  ];
  const session = await openSession(
    runnable(lower(builder.graph(inputs, outputs), target, (name) => infos.get(name)?.dims ?? [])),
  );
  const results = await session.run(feeds);
  await session.close();
  return {
    loss: Number(results[loss]!.data[0]),
    gradients: new Map([...gradients].map(([name, g]) => [name, Float32Array.from(results[g]!.data, Number)])),
  };
}

const norm = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
};
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  a.length === b.length ? norm(Float64Array.from(a, (v, i) => v - b[i]!)) : Number.POSITIVE_INFINITY;

/** The names of those that are not within the tolerance. NaN is not. */
const beyond = (errors: ReadonlyMap<string, number>): string[] =>
  [...errors].filter(([, e]) => !(e <= TOLERANCE)).map(([name, e]) => `${name}: ${e}`);

describe.each(TARGETS)('blocks have the gradients of PyTorch: %s', (_, target) => {
  const blocks: Readonly<Record<string, (seed: number) => Block>> = { residual, inverted, squeeze };
  it.each(Object.entries(blocks))('%s', async (name, make) => {
    const { seed, batch, loss, gradients } = golden.blocks[name]!;
    const { graph, inputDims, outputDims } = make(seed);
    const tail: Tail = {
      graph,
      cut: INPUT,
      features: OUTPUT,
      cutDims: inputDims,
      featureDims: outputDims,
      stored: 'float32',
    };
    const features = formulaValues('features', seed, [batch, ...inputDims], -1, 1);
    const got = await lossAndGradients(tail, Object.keys(gradients), features, seed, target);
    expect(Math.abs(got.loss / loss - 1)).toBeLessThan(LOSS_TOLERANCE);
    const errors = Object.entries(gradients).map(
      ([w, g]) => [w, distance(got.gradients.get(w) ?? [], g) / norm(g)] as const,
    );
    expect(beyond(new Map(errors))).toEqual([]);
  });
});

describe("InceptionV3's tail from mixed7 has the gradients of PyTorch", async () => {
  const backbone = await loadIfReachable('inception_v3');

  it.skipIf(backbone === undefined)('for every weight', async () => {
    const { seed, batch, loss, tensors } = golden.inception_v3;
    const graph = tailGraph(backbone!, 'mixed7')!;
    const cutDims = dimsAt(backbone!, 'mixed7');
    const tail: Tail = {
      graph,
      cut: cutTensor(backbone!, 'mixed7'),
      features: backbone!.features,
      cutDims,
      featureDims: dimsAt(backbone!, backbone!.features),
      stored: 'float32',
    };
    const trainable = [...layerUnits(graph).flatMap((unit) => unit.weights), ...headParameters(LINEAR)];
    expect(new Set(trainable)).toEqual(new Set(Object.keys(tensors)));
    const raw = formulaValues('features', seed, [batch, ...cutDims], -2, 2);
    const features = float32(
      raw.data.map((v) => Math.max(0, v)),
      raw.dims,
    );
    const got = await lossAndGradients(tail, trainable, features, seed, { block });
    expect(Math.abs(got.loss / loss - 1)).toBeLessThan(LOSS_TOLERANCE);
    const errors = new Map<string, number>();
    const longest = Math.max(...[...got.gradients.values()].map((g) => g.length));
    const directions = Array.from({ length: PROJECTIONS }, (_, k) => signs(k, longest));
    for (const [name, expected] of Object.entries(tensors)) {
      const g = got.gradients.get(name) ?? new Float32Array(0);
      const stride = Math.ceil(g.length / SAMPLES);
      const samples = g.filter((_, i) => i % stride === 0);
      // A sample's share of the norm, unless it happens to be larger.
      const share = Math.max(norm(expected.samples), expected.norm * Math.sqrt(samples.length / g.length));
      errors.set(`${name}, samples`, distance(samples, expected.samples) / share);
      errors.set(`${name}, norm`, Math.abs(norm(g) / expected.norm - 1));
      // Σ ± d over random signs has the mean square ‖d‖².
      const projections = directions.map((direction) => {
        let sum = 0;
        for (let i = 0; i < g.length; i++) sum += direction[i]! * g[i]!;
        return sum;
      });
      const rms = distance(projections, expected.projections) / Math.sqrt(projections.length);
      errors.set(`${name}, projections`, rms / expected.norm);
    }
    expect(beyond(errors)).toEqual([]);
  });
});
