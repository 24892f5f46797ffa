import { describe, expect, it } from 'vitest';
import { ModelError, NumericError, ShapeError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import { CUT, POOLED, planTrunk, tailGraph } from '../../src/features/trunk.ts';
import { applyView, dihedral } from '../../src/image/view.ts';
import { cardFromMetadata, cardToMetadata } from '../../src/model/card.ts';
import { type HeadSpec, LINEAR } from '../../src/model/head.ts';
import { fitOutliers, outlierScores } from '../../src/model/outliers.ts';
import { QUALITY_LIMITS } from '../../src/model/quality.ts';
import { checkShippable, shipModel } from '../../src/model/ship.ts';
import { float32, type Model, type Tensor } from '../../src/onnx/model.ts';
import { upgradeOpset } from '../../src/onnx/passes/upgrade-opset.ts';
import { decodeModel, encodeModel } from '../../src/onnx/protobuf.ts';
import { openSession } from '../../src/onnx/session.ts';
import { runnable } from '../../src/train/fixed-batch.ts';
import { buildNetwork, FEATURES as STORED } from '../../src/train/network.ts';
import { HEAD, LABELS, picture, tinyBackbone, tinySpec, tinyWeights } from './tiny.ts';

async function run(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openSession(model, { threads: 1 });
  const result = await session.run(feeds);
  await session.close();
  return result;
}

function expectClose(got: ArrayLike<number | bigint>, expected: ArrayLike<number | bigint>, tolerance: number): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(Math.abs(Number(got[i]) - Number(expected[i]))).toBeLessThan(tolerance);
}

const two = [picture(45, 37, 1), applyView(picture(37, 45, 2), dihedral(1))];
const pixels: Tensor = {
  dtype: 'uint8',
  dims: [2, 37, 45, 3],
  data: Uint8Array.from(two.flatMap((image) => [...image.data])),
};

/** The way that training goes: preprocessing, trunk, and tail with head, one after another. */
async function stepByStep(cut: 'features' | 'block_1', head: HeadSpec, weights: ReadonlyMap<string, Tensor>) {
  const original = tinyBackbone('block_1');
  const backbone = { ...original, model: upgradeOpset(original.model) };
  const trunk = planTrunk(backbone, cut);
  const network = buildNetwork(
    {
      graph: tailGraph(backbone, cut),
      cut,
      features: 'features',
      cutDims: cut === 'features' ? [5] : [4, 16, 16],
      featureDims: cut === 'features' ? [5] : [5, 8, 8],
      stored: cut === 'features' ? 'float32' : 'float16',
    },
    head,
    LABELS.length,
    weights,
    'infer',
  );
  const input = await run(trunk.preprocess, { image: pixels });
  const features = await run(trunk.model, { image: input.network_input! });
  const stored = features[cut === 'features' ? POOLED : CUT]!;
  const out = await run(runnable(network.graph), { [STORED]: stored });
  return { pooled: features[POOLED]!.data, probabilities: out.probabilities!.data };
}

describe('shipModel', () => {
  it.each([
    ['mlp', HEAD],
    ['linear', LINEAR],
  ] as const)('computes what trunk and %s head compute', async (_, head) => {
    const spec = tinySpec(head);
    const weights = new Map([...spec.weights].filter(([name]) => name.startsWith('head/')));
    const expected = await stepByStep('features', head, weights);
    const got = await run(shipModel({ ...spec, weights }), { image: pixels });
    expect(got.probabilities!.dims).toEqual([2, 3]);
    expect(got.features!.dims).toEqual([2, 5]);
    expectClose(got.features!.data, expected.pooled, 1e-4);
    expectClose(got.probabilities!.data, expected.probabilities, 1e-4);
  });

  it('uses the trained weights of the tail, folded or not', async () => {
    const spec = tinySpec();
    const expected = await stepByStep('block_1', HEAD, spec.weights);
    const got = await run(shipModel(spec), { image: pixels });
    // The trunk's output was rounded to float16.
    expectClose(got.probabilities!.data, expected.probabilities, 1e-3);
    const untrained = await stepByStep(
      'features',
      HEAD,
      new Map([...spec.weights].filter(([n]) => n.startsWith('head/'))),
    );
    const moved = Array.from(got.probabilities!.data, Number).map((p, i) =>
      Math.abs(p - Number(untrained.probabilities[i])),
    );
    expect(Math.max(...moved)).toBeGreaterThan(0.01);
  });

  it('divides the logits by the temperature of its card', async () => {
    const spec = tinySpec();
    const at = async (temperature: number) => {
      const card = { ...spec.card, calibration: { temperature, n: 9 } };
      return (await run(shipModel({ ...spec, card }), { image: pixels })).probabilities!.data;
    };
    const [plain, softer] = [await at(1), await at(2.5)];
    // p^(1/T), made to add up to 1 again.
    for (const row of [0, 1]) {
      const powers = [0, 1, 2].map((c) => Number(plain[row * 3 + c]) ** (1 / 2.5));
      const total = powers.reduce((a, b) => a + b, 0);
      expectClose(
        softer.slice(row * 3, row * 3 + 3),
        powers.map((p) => p / total),
        1e-5,
      );
    }
    expectClose(plain, (await run(shipModel(spec), { image: pixels })).probabilities!.data, 1e-7);
  });

  it('tells how unlike the training images an image is', async () => {
    const spec = tinySpec();
    const { features } = await run(shipModel(spec), { image: pixels });
    const values = Float32Array.from(features!.data, Number);
    const rng = rngOf(1, 'near');
    const near = Float32Array.from({ length: 60 * 5 }, (_, i) => values[i % 10]! * rng.uniform(0.8, 1.2));
    const outliers = fitOutliers(
      near,
      Array.from({ length: 60 }, (_, i) => i % 2),
      3,
    );
    const model = shipModel({ ...spec, outliers });
    const { ood_score: score, ...rest } = await run(model, { image: pixels });
    expect(score!.dims).toEqual([2]);
    expectClose(score!.data, outlierScores(outliers, values), 1e-3);
    expect(rest.features!.data).toEqual(features!.data);
    expect(() =>
      shipModel({ ...spec, outliers: fitOutliers(near.subarray(0, 240), new Array<number>(60).fill(0), 1) }),
    ).toThrow(ShapeError);
  });

  it('gives probabilities that add up to 1, and other ones for other pictures', async () => {
    const { data } = (await run(shipModel(tinySpec()), { image: pixels })).probabilities!;
    const p = Array.from(data, Number);
    expect(p[0]! + p[1]! + p[2]!).toBeCloseTo(1, 5);
    expect(Math.abs(p[0]! - p[3]!)).toBeGreaterThan(1e-3);
  });

  it('is one folded opset 17 graph of standard operators that survives its file', async () => {
    const model = shipModel(tinySpec());
    expect(model.opset).toBe(17);
    expect(model.domains).toEqual({});
    expect(model.graph.nodes.filter((n) => n.op === 'BatchNormalization')).toHaveLength(1);
    const names = [...model.graph.initializers.keys(), ...model.graph.nodes.flatMap((n) => n.outputs), 'image'];
    expect(new Set(names).size).toBe(names.length);
    const nodeNames = model.graph.nodes.map((n) => n.name);
    expect(new Set(nodeNames).size).toBe(nodeNames.length);
    const bytes = encodeModel(model);
    expect(Buffer.from(encodeModel(decodeModel(bytes))).equals(bytes)).toBe(true);
  });

  it('gives the same bytes for the same training, and others for another', () => {
    const bytes = Buffer.from(encodeModel(shipModel(tinySpec())));
    expect(bytes.equals(encodeModel(shipModel(tinySpec())))).toBe(true);
    const spec = tinySpec();
    const other = shipModel({ ...spec, weights: tinyWeights(spec.backbone, HEAD, 10) });
    expect(bytes.equals(encodeModel(other))).toBe(false);
    const seed = shipModel({ ...spec, card: { ...spec.card, seed: 4 } });
    expect(bytes.equals(encodeModel(seed))).toBe(false);
  });

  it('refuses weights that are missing, foreign, misshapen or not finite', () => {
    const spec = tinySpec();
    const withWeight = (name: string, tensor?: Tensor) => {
      const weights = new Map(spec.weights);
      if (tensor === undefined) weights.delete(name);
      else weights.set(name, tensor);
      return () => shipModel({ ...spec, weights });
    };
    expect(withWeight('head/batch_norm/moving_mean')).toThrow(ModelError);
    expect(withWeight('block_9/kernel', float32([1], [1]))).toThrow('block_9/kernel');
    expect(withWeight('resize/gamma', float32([1, 2], [2]))).toThrow(ShapeError);
    expect(withWeight('resize/gamma', float32([1, 2, Number.NaN, 4, 5], [5]))).toThrow(NumericError);
    expect(withWeight('head/logits/bias', float32([1, 2], [2]))).toThrow('expected [3], got [2]');
    expect(withWeight('head/dense_1/kernel', float32(new Float32Array(42), [6, 7]))).toThrow(
      'expected [5, 7], got [6, 7]',
    );
  });

  it('says before training that a backbone cannot be shipped', () => {
    const backbone = tinyBackbone();
    expect(() => checkShippable(backbone)).not.toThrow();
    expect(() => checkShippable({ ...backbone, model: { ...backbone.model, opset: 12 } })).toThrow('got 12');
    const nodes = backbone.model.graph.nodes.map((n) => (n.op === 'Relu' ? { ...n, domain: 'com.microsoft' } : n));
    const foreign = { ...backbone, model: { ...backbone.model, graph: { ...backbone.model.graph, nodes } } };
    expect(() => checkShippable(foreign)).toThrow('Relu of com.microsoft');
  });
});

describe('the model card', () => {
  it('survives the file', () => {
    const { card } = tinySpec();
    expect(cardFromMetadata(decodeModel(encodeModel(shipModel(tinySpec()))).metadata, 'm')).toEqual(card);
    const { taxonomy: _, ...plain } = { ...card, head: LINEAR, labels: ['a "b"', 'ß,\n'] };
    expect(cardFromMetadata(cardToMetadata(plain), 'm')).toEqual(plain);
    const settled = {
      ...plain,
      calibration: { temperature: 1.25, platt: { slope: 0.9, intercept: -0.5 }, n: 100 },
      operatingPoint: {
        threshold: 0.125,
        rule: { kind: 'sensitivity', atLeast: 0.95 },
        sensitivity: 0.96,
        specificity: 0.7,
        n: 100,
        nPositive: 20,
      },
      ood: { threshold: 12.5, quantile: 0.99, n: 100 },
      quality: QUALITY_LIMITS,
    } as const;
    expect(cardFromMetadata(cardToMetadata(settled), 'm')).toEqual(settled);
    expect(card.intendedUse).toBe('research use only; not a medical device');
    expect(card.preprocessing).toMatchObject({ size: 32, channels: 'BGR', resize: 'squash' });
  });

  it('holds only text, under names of its own', () => {
    const metadata = shipModel(tinySpec()).metadata;
    for (const [key, value] of Object.entries(metadata)) {
      expect(key).toMatch(/^nevus\./);
      expect(typeof value).toBe('string');
    }
    expect(metadata['nevus.labels']).toBe('["bcc","mel","nv"]');
    expect(metadata['nevus.seed']).toBe('-3');
  });

  it('is refused when missing, damaged or of the future', () => {
    const metadata = cardToMetadata(tinySpec().card);
    const read = (changed: Readonly<Record<string, string>>) => () =>
      cardFromMetadata({ ...metadata, ...changed }, 'm.onnx');
    expect(() => cardFromMetadata({}, 'm.onnx')).toThrow(ModelError);
    expect(read({ 'nevus.labels': '["a"' })).toThrow('nevus.labels: expected JSON');
    expect(read({ 'nevus.labels': '["a"]' })).toThrow('nevus.labels');
    expect(read({ 'nevus.head': '{"kind":"tree"}' })).toThrow('nevus.head');
    expect(read({ 'nevus.seed': '1.5' })).toThrow('nevus.seed');
    expect(read({ 'nevus.calibration': '{"temperature":0,"n":1}' })).toThrow('nevus.calibration');
    expect(read({ 'nevus.operatingPoint': '{"threshold":2}' })).toThrow('nevus.operatingPoint');
    expect(read({ 'nevus.schemaVersion': '2' })).toThrow('expected a model card of version 1, got version 2');
  });
});
