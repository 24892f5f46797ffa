import { describe, expect, it } from 'vitest';
import { PORTABLE } from '../../src/autodiff/lower/lower.ts';
import { NumericError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import { HEAD_STATISTICS, type HeadSpec, headParameters, initHead, LINEAR } from '../../src/model/head.ts';
import { blockSize } from '../../src/onnx/blocked.ts';
import { float32, type Tensor } from '../../src/onnx/model.ts';
import { ADAMW, SGD } from '../../src/optim/optimizers.ts';
import { buildNetwork, type Network } from '../../src/train/network.ts';
import { readBatch } from '../../src/train/rows.ts';
import { type Batch, networkStep, openStepper, type StepSpec } from '../../src/train/step.ts';
import { LABELS, LAYERS, tailWeights, tinyData, tinyTail, WIDTH } from './tiny-tail.ts';

const BATCH = 12;
const target = { block: await blockSize() };
const tail = tinyTail();
const { data, stored } = tinyData();

function batchOf(first = 0, weights = new Float32Array(BATCH).fill(1)): Batch {
  const rows = Array.from({ length: BATCH }, (_, i) => first + i);
  const features = readBatch(
    stored,
    rows.map((row) => ({ row, view: 0 })),
  );
  return { features, targets: rows.map((row) => data.rows[row]!.target), weights, extra: {} };
}

function network(head: HeadSpec = LINEAR, mode: 'train' | 'fine-tune' = 'fine-tune'): Network {
  const weights = new Map([...tailWeights(tail), ...initHead(head, WIDTH, LABELS.length, rngOf(1, 'head'))]);
  return buildNetwork(tail, head, LABELS.length, weights, mode);
}

function spec(layers: number, over: Partial<StepSpec> = {}): StepSpec {
  return {
    network: network(),
    trainable: [...LAYERS.slice(0, layers).flat(), ...headParameters(LINEAR)],
    batch: BATCH,
    loss: { kind: 'cross-entropy', labelSmoothing: 0 },
    optimizer: { kind: 'sgd', momentum: 0, weightDecay: 0 },
    clipNorm: 0,
    rates: new Map(),
    centred: [],
    ...over,
  };
}

const copy = (weights: ReadonlyMap<string, Tensor>): Map<string, number[]> =>
  new Map([...weights].map(([name, t]) => [name, Array.from(t.data, Number)]));
const initial = ({ network: { graph } }: StepSpec): Map<string, number[]> => copy(graph.initializers);
/** What one step adds to the weights. */
async function updateOf(s: StepSpec, rate: number, batch = batchOf()): Promise<Map<string, number[]>> {
  const stepper = await openStepper(s, target, { threads: 1 });
  await stepper.step(batch, rate);
  const before = initial(s);
  const moved = copy((await stepper.read()).weights);
  await stepper.close();
  return new Map([...moved].map(([name, after]) => [name, after.map((v, i) => v - before.get(name)![i]!)]));
}
const normOf = (update: ReadonlyMap<string, number[]>): number =>
  Math.sqrt([...update.values()].flat().reduce((sum, v) => sum + v * v, 0));

function expectSame(a: ReadonlyMap<string, number[]>, b: ReadonlyMap<string, number[]>, factor = 1): void {
  const largest = Math.max(...[...a.values()].flat().map(Math.abs));
  for (const [name, values] of a)
    for (const [i, v] of values.entries())
      if (!(Math.abs(b.get(name)![i]! - factor * v) <= 2e-5 * factor * largest))
        expect.fail(`${name}[${i}]: expected ${factor * v}, got ${b.get(name)![i]}`);
}

describe('a step', () => {
  it.each([0, 1, 2, 3])('moves what is thawed, and nothing else: %s layers', async (layers) => {
    const s = spec(layers);
    const stepper = await openStepper(s, target, { threads: 1 });
    expect([...(await stepper.read()).weights.keys()]).toEqual(s.trainable);
    await stepper.step(batchOf(), 0.1);
    const before = initial(s);
    for (const [name, values] of copy((await stepper.read()).weights)) {
      expect(values).not.toEqual(before.get(name));
      expect((await stepper.read()).weights.get(name)!.dims).toEqual(s.network.graph.initializers.get(name)!.dims);
    }
    expect(stepper.steps).toBe(1);
    await stepper.close();
  });

  it.each([
    ['sgd', SGD, 0.1],
    ['adamw', ADAMW, 0.01],
  ] as const)('makes the loss fall: %s', async (_, optimizer, rate) => {
    const stepper = await openStepper(spec(3, { optimizer }), target, { threads: 1 });
    const losses: number[] = [];
    for (let i = 0; i < 60; i++) losses.push(await stepper.step(batchOf((i % 2) * BATCH), rate));
    await stepper.close();
    expect(Math.min(losses.at(-1)!, losses.at(-2)!)).toBeLessThan(0.25 * losses[0]!);
  });

  it('says the loss before its update: the step is downhill by rate · ‖g‖²', async () => {
    const s = spec(3);
    const stepper = await openStepper(s, target, { threads: 1 });
    const rate = 1e-3;
    const before = await stepper.step(batchOf(), rate);
    const after = await stepper.step(batchOf(), rate);
    await stepper.close();
    const squared = (normOf(await updateOf(s, rate)) / rate) ** 2;
    expect((before - after) / (rate * squared)).toBeCloseTo(1, 1);
  });

  it('has the same updates in its portable form', async () => {
    const s = spec(3);
    const stepper = await openStepper(s, PORTABLE, { threads: 1 });
    await stepper.step(batchOf(), 0.1);
    const portable = copy((await stepper.read()).weights);
    await stepper.close();
    const before = initial(s);
    const update = new Map([...portable].map(([name, v]) => [name, v.map((x, i) => x - before.get(name)![i]!)]));
    expectSame(await updateOf(s, 0.1), update);
  });

  it('has an update of the same direction and a bounded norm with clipNorm', async () => {
    const free = await updateOf(spec(3), 0.1);
    const norm = normOf(free) / 0.1;
    const limit = norm / 4;
    const clipped = await updateOf(spec(3, { clipNorm: limit }), 0.1);
    expect(normOf(clipped) / 0.1).toBeCloseTo(limit, 4);
    expectSame(free, clipped, 0.25);
    expectSame(free, await updateOf(spec(3, { clipNorm: norm * 1.5 }), 0.1));
  });

  it('has rates of its own for some weights', async () => {
    const head = headParameters(LINEAR);
    const plain = await updateOf(spec(1), 0.1);
    const slow = await updateOf(spec(1, { rates: new Map(head.map((name) => [name, 0.25])) }), 0.1);
    const part = (update: ReadonlyMap<string, number[]>, wanted: boolean): Map<string, number[]> =>
      new Map([...update].filter(([name]) => head.includes(name) === wanted));
    expectSame(part(plain, true), part(slow, true), 0.25);
    expectSame(part(plain, false), part(slow, false));
  });

  it('of AdamW from the beginning is one rate long wherever there is a gradient', async () => {
    const rate = 0.01;
    const update = await updateOf(spec(3, { optimizer: { ...ADAMW, weightDecay: 0 } }), rate);
    const lengths = [...update.values()].flat().map((v) => Math.abs(v) / rate);
    expect(Math.max(...lengths)).toBeLessThan(1.0001);
    expect(lengths.filter((v) => v > 0.99).length / lengths.length).toBeGreaterThan(0.9);
  });

  it('decays kernels, but neither biases nor normalisation', async () => {
    const optimizer = { ...ADAMW, weightDecay: 0.5 };
    const s = spec(3, { optimizer });
    const plain = await updateOf(spec(3, { optimizer: { ...optimizer, weightDecay: 0 } }), 0.01);
    const decayed = await updateOf(s, 0.01);
    const before = initial(s);
    for (const [name, values] of decayed) {
      const kernel = name.endsWith('kernel');
      for (const [i, v] of values.entries()) {
        const pull = kernel ? -0.01 * 0.5 * before.get(name)![i]! : 0;
        expect(v - plain.get(name)![i]!).toBeCloseTo(pull, 6);
      }
    }
  });

  it('takes no notice of rows of weight 0', async () => {
    const weights = Float32Array.from({ length: BATCH }, (_, i) => (i < 8 ? 1 : 0));
    const batch = batchOf(0, weights);
    const other = Float32Array.from(batch.features.data, Number);
    other.fill(3, (other.length / BATCH) * 8);
    const changed: Batch = {
      ...batch,
      features: float32(other, batch.features.dims),
      targets: [...batch.targets.slice(0, 8), 0, 0, 0, 0],
    };
    expectSame(await updateOf(spec(3), 0.1, batch), await updateOf(spec(3), 0.1, changed));
  });

  it('refuses a loss that is not finite, and keeps weights, states and count', async () => {
    const s = spec(3, { optimizer: { ...ADAMW } });
    const [stepper, undisturbed] = [
      await openStepper(s, target, { threads: 1 }),
      await openStepper(s, target, { threads: 1 }),
    ];
    await stepper.step(batchOf(), 0.01);
    await undisturbed.step(batchOf(), 0.01);
    const kept = copy((await stepper.read()).weights);
    const states = copy((await stepper.read()).states);
    const { features } = batchOf();
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const broken = Float32Array.from(features.data, Number).fill(bad, 0, 1);
      const step = stepper.step({ ...batchOf(), features: float32(broken, features.dims) }, 0.01);
      await expect(step).rejects.toThrow(NumericError);
      await expect(step).rejects.toThrow('step 2: expected a finite loss');
    }
    expect(copy((await stepper.read()).weights)).toEqual(kept);
    expect(copy((await stepper.read()).states)).toEqual(states);
    expect(stepper.steps).toBe(1);
    expect(await stepper.step(batchOf(BATCH), 0.01)).toBe(await undisturbed.step(batchOf(BATCH), 0.01));
    expect(copy((await stepper.read()).weights)).toEqual(copy((await undisturbed.read()).weights));
    await stepper.close();
    await undisturbed.close();
  });

  it('resumed from weights, states and count goes on exactly', async () => {
    const s = spec(3, { optimizer: ADAMW });
    const whole = await openStepper(s, target, { threads: 1 });
    await whole.step(batchOf(), 0.01);
    const saved = new Map(
      [...(await whole.read()).weights].map(([name, t]) => [name, float32(Float32Array.from(t.data, Number), t.dims)]),
    );
    const states = new Map(
      [...(await whole.read()).states].map(([name, t]) => [name, float32(Float32Array.from(t.data, Number), t.dims)]),
    );
    await whole.step(batchOf(BATCH), 0.01);
    const initializers = new Map([...s.network.graph.initializers, ...saved]);
    const resumedSpec = { ...s, network: { ...s.network, graph: { ...s.network.graph, initializers } } };
    const resumed = await openStepper(resumedSpec, target, { threads: 1, states, steps: 1 });
    await resumed.step(batchOf(BATCH), 0.01);
    expect(copy((await resumed.read()).weights)).toEqual(copy((await whole.read()).weights));
    expect(copy((await resumed.read()).states)).toEqual(copy((await whole.read()).states));
    expect(resumed.steps).toBe(2);
    await whole.close();
    await resumed.close();
  });

  it('carries the running moments of the head while it trains, and leaves them in fine-tuning', async () => {
    const head: HeadSpec = { kind: 'mlp', units: 5, dropout: 0, slope: 0.3 };
    const over = { trainable: headParameters(head), optimizer: ADAMW };
    const training = spec(0, { ...over, network: network(head, 'train') });
    const moved = await updateOf(training, 0.01);
    for (const name of HEAD_STATISTICS) expect(Math.max(...moved.get(name)!.map(Math.abs))).toBeGreaterThan(0);
    const fineTuning = await updateOf(spec(0, { ...over, network: network(head) }), 0.01);
    for (const name of HEAD_STATISTICS) expect(fineTuning.has(name)).toBe(false);
  });
});

describe('the graph of a step', () => {
  const nodesOf = (s: StepSpec): number => networkStep(s, PORTABLE).model.graph.nodes.length;
  const opsOf = (s: StepSpec): string[] => networkStep(s, PORTABLE).model.graph.nodes.map((n) => n.op);

  it('ends at the thaw line: the backward part for the head alone is the same with or without a tail', () => {
    const pooled = buildNetwork(
      {
        graph: undefined,
        cut: 'pooled',
        features: 'pooled',
        cutDims: [WIDTH],
        featureDims: [WIDTH],
        stored: 'float32',
      },
      LINEAR,
      LABELS.length,
      initHead(LINEAR, WIDTH, LABELS.length, rngOf(1, 'head')),
      'fine-tune',
    );
    const added = (s: StepSpec): number => nodesOf(s) - s.network.graph.nodes.length;
    expect(added(spec(0))).toBe(added(spec(0, { network: pooled })));
  });

  it('grows with every layer that thaws', () => {
    const sizes = [0, 1, 2, 3].map((layers) => nodesOf(spec(layers)));
    for (const i of [1, 2, 3]) expect(sizes[i]).toBeGreaterThan(sizes[i - 1]! + 3);
  });

  it('has one input gradient of a convolution fewer than layers that are thawed', () => {
    // On 8 × 8 maps the portable form is ConvTranspose for 3 × 3 and a turned Conv for 1 × 1.
    const count = (layers: number) => ({
      transposed: opsOf(spec(layers)).filter((op) => op === 'ConvTranspose').length,
      convolutions: opsOf(spec(layers)).filter((op) => op === 'Conv').length,
    });
    expect([0, 1, 2, 3].map(count)).toEqual([
      { transposed: 0, convolutions: 3 },
      { transposed: 0, convolutions: 3 },
      { transposed: 0, convolutions: 4 },
      { transposed: 1, convolutions: 4 },
    ]);
  });

  it('has as inputs and outputs only weights and states that move', () => {
    const { graph } = networkStep(spec(1, { optimizer: ADAMW }), PORTABLE).model;
    const moving = [...LAYERS[0]!, ...headParameters(LINEAR)];
    const expected = new Set(['batch_loss', ...moving.flatMap((n) => [`next:${n}`, `next:m:${n}`, `next:v:${n}`])]);
    expect(new Set(graph.outputs.map((o) => o.name))).toEqual(expected);
    expect(graph.inputs.length).toBe(3 + 3 + 3 * moving.length);
  });
});
