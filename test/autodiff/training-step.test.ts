import { describe, expect, it } from 'vitest';
import { openStepper, stepScalars, type TrainingStep, trainingStep } from '../../src/autodiff/index.ts';
import { ShapeError, UsageError } from '../../src/core/errors.ts';
import { float32, int, type Model, sizeOf, type Tensor } from '../../src/onnx/model.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { openSession } from '../../src/onnx/session.ts';
import { ADAM, ADAMW, averageDecay, SGD } from '../../src/optim/optimizers.ts';
import { golden } from '../optim/golden.ts';
import { convNet, drafting, info, modelOf, random } from './networks.ts';

type Feeds = Readonly<Record<string, Tensor>>;

/** cos(k + 1.7 i) in row-major order, as scripts/golden/optim.py has it. */
const grid = (dims: readonly number[], k: number): Tensor =>
  float32(
    Array.from({ length: sizeOf(dims) }, (_, i) => Math.cos(k + 1.7 * i)),
    dims,
  );

/** loss = mean (w2 tanh(w1 x + b1) − y)², any batch. */
function twoLayers(): Model {
  const inputs = [info('x', ['N', 3]), info('y', ['N', 2])];
  const { b } = drafting(inputs);
  b.constant(grid([4, 3], 1), 'w1');
  b.constant(grid([4], 2), 'b1');
  b.constant(grid([2, 4], 3), 'w2');
  const h = b.add('Tanh', [b.add('Gemm', ['x', 'w1', 'b1'], { transB: int(1) })]);
  const error = b.add('Sub', [b.add('Gemm', [h, 'w2'], { transB: int(1) }), 'y']);
  b.add('ReduceMean', [b.add('Mul', [error, error])], { keepdims: int(0) }, { output: 'loss' });
  return modelOf(b.graph(inputs, [info('loss', [])]));
}

/** Runs a step as its description says, without anything else of ours. */
async function runner(step: TrainingStep) {
  const open = (model: Model) => openSession(encodeModel(model), { threads: 1 });
  const update = await open(step.model);
  const accumulate = step.accumulateModel === undefined ? undefined : await open(step.accumulateModel);
  const values = new Map(
    step.vectors.map(({ name, kind, weight, dims }) => {
      const start = kind === 'optimizer' || kind === 'sum' ? undefined : step.start.get(weight)?.data;
      const data = start instanceof Float32Array ? start.slice() : new Float32Array(sizeOf(dims));
      return [name, float32(data, [data.length])] as const;
    }),
  );
  let updates = 0;
  return {
    values,
    /** @param micro data of each micro-step */
    update: async (micro: readonly Feeds[], rate: number): Promise<number[]> => {
      const losses: number[] = [];
      updates += 1;
      for (const [i, data] of micro.entries()) {
        const last = i === micro.length - 1;
        const session = last ? update : accumulate!;
        const all: Record<string, Tensor> = { ...data, ...stepScalars(step, updates, rate) };
        for (const { name, input } of step.vectors) all[input] = values.get(name)!;
        const feeds = Object.fromEntries(session.inputs.map((name) => [name, all[name]!]));
        const results = await session.run(feeds);
        losses.push(Number(results[step.loss]!.data[0]));
        for (const { name, output } of step.vectors) {
          const value = results[output];
          if (value?.dtype === 'float32') values.set(name, float32(value.data, value.dims));
        }
      }
      return losses;
    },
    close: async () => {
      await update.close();
      await accumulate?.close();
    },
  };
}

const list = (t: Tensor | undefined): number[] => Array.from(t?.data ?? [], Number);

function expectClose(got: readonly number[], expected: readonly number[], tolerance = 2e-6): void {
  expect(got.length).toBe(expected.length);
  for (const [i, v] of expected.entries()) expect(Math.abs(got[i]! - v), `[${i}]`).toBeLessThan(tolerance);
}

describe('five updates of PyTorch', () => {
  const sgd = { kind: 'sgd', momentum: 0.9, weightDecay: 0.01 } as const;
  const adamw = { ...ADAMW, weightDecay: 0.1 };
  it.each([
    ['sgd', { optimizer: sgd, trainable: 'all-weights' }, 0.1],
    ['sgd, clipped', { optimizer: sgd, trainable: ['w1', 'b1', 'w2'], clipNorm: 0.05 }, 0.1],
    [
      'adamw, accumulated and clipped',
      { optimizer: adamw, trainable: 'all-weights', clipNorm: 0.05, accumulate: 3 },
      0.1,
    ],
    [
      'adamw, groups',
      {
        optimizer: adamw,
        trainable: [{ weights: ['w1', 'b1'] }, { weights: ['w2'], rate: 2, weightDecay: 0.3 }],
      },
      0.05,
    ],
  ] as const)('%s', async (name, options, rate) => {
    const step = trainingStep(twoLayers(), { loss: 'loss', ...options });
    const run = await runner(step);
    for (const [t, expected] of golden.networks[name]!.entries()) {
      const micro = expected.losses.map((_, m) => ({ x: grid([5, 3], 10 + t + 0.3 * m), y: grid([5, 2], 20 + t) }));
      expectClose(await run.update(micro, rate), expected.losses);
      for (const weight of ['w1', 'b1', 'w2'] as const) expectClose(list(run.values.get(weight)), expected[weight]);
    }
    await run.close();
  });
});

describe('a training step', () => {
  const data = (n: number, k = 0): Feeds => ({ x: grid([n, 3], k), y: grid([n, 2], k + 1) });

  it('says what its inputs and outputs are', () => {
    const step = trainingStep(twoLayers(), {
      loss: 'loss',
      optimizer: ADAM,
      trainable: ['w2'],
      ema: 0.9,
      accumulate: 2,
    });
    expect(step.vectors.map(({ name, kind, weight, dims }) => ({ name, kind, weight, dims }))).toEqual([
      { name: 'sum:w2', kind: 'sum', weight: 'w2', dims: [2, 4] },
      { name: 'm:w2', kind: 'optimizer', weight: 'w2', dims: [2, 4] },
      { name: 'v:w2', kind: 'optimizer', weight: 'w2', dims: [2, 4] },
      { name: 'w2', kind: 'weight', weight: 'w2', dims: [2, 4] },
      { name: 'ema:w2', kind: 'average', weight: 'w2', dims: [2, 4] },
    ]);
    expect(step.scalars).toEqual(['learning_rate', 'correction_1', 'correction_2', 'average_decay']);
    expect(step.data.map((v) => v.name)).toEqual(['x', 'y']);
    const names = new Set([...step.vectors.map((v) => v.input), ...step.scalars, 'x', 'y']);
    expect(new Set(step.model.graph.inputs.map((v) => v.name))).toEqual(names);
    expect(step.model.graph.outputs.map((v) => v.name)).toEqual(['loss', ...step.vectors.map((v) => v.output)]);
    expect(step.accumulateModel?.graph.inputs.map((v) => v.name)).toEqual(['x', 'y', 'flat:w2', 'flat:sum:w2']);
    expect(step.accumulateModel?.graph.outputs.map((v) => v.name)).toEqual(['loss', 'next:sum:w2']);
  });

  it('runs on batches of any size', async () => {
    const step = trainingStep(twoLayers(), { loss: 'loss', optimizer: SGD, trainable: 'all-weights' });
    const fixed = (n: number) =>
      trainingStep(twoLayers(), { loss: 'loss', optimizer: SGD, trainable: 'all-weights', inputShapes: { x: [n, 3] } });
    for (const n of [1, 4, 9]) {
      const [a, b] = [await runner(step), await runner(fixed(n))];
      expect(await a.update([data(n)], 0.1)).toEqual(await b.update([data(n)], 0.1));
      for (const name of ['w1', 'b1', 'w2']) expectClose(list(a.values.get(name)), list(b.values.get(name)), 1e-6);
      await a.close();
      await b.close();
    }
  });

  it('over halves of a batch accumulated is one over the batch', async () => {
    const options = { loss: 'loss', optimizer: ADAMW, trainable: 'all-weights', clipNorm: 0.1 } as const;
    const whole = await runner(trainingStep(twoLayers(), options));
    const halves = await runner(trainingStep(twoLayers(), { ...options, accumulate: 2 }));
    const part = ({ dims, data }: Tensor, k: number): Tensor => {
      const [n = 0, m = 0] = dims;
      return float32(Array.from(data, Number).slice((k * n * m) / 2, ((k + 1) * n * m) / 2), [n / 2, m]);
    };
    for (let t = 0; t < 4; t++) {
      const feeds = data(6, t);
      const half = (k: number): Feeds => ({ x: part(feeds.x!, k), y: part(feeds.y!, k) });
      await whole.update([feeds], 0.05);
      await halves.update([half(0), half(1)], 0.05);
      for (const name of ['w1', 'b1', 'w2'])
        expectClose(list(halves.values.get(name)), list(whole.values.get(name)), 2e-5);
      expect(list(halves.values.get('sum:w1')).every((v) => v === 0)).toBe(true);
    }
    await whole.close();
    await halves.close();
  });

  it('keeps averages that follow the weights and change nothing else', async () => {
    const options = { loss: 'loss', optimizer: SGD, trainable: 'all-weights' } as const;
    const plain = await runner(trainingStep(twoLayers(), options));
    const averaged = await runner(trainingStep(twoLayers(), { ...options, ema: 0.5 }));
    const expected = new Map(['w1', 'b1', 'w2'].map((name) => [name, list(averaged.values.get(name))]));
    for (let t = 1; t <= 6; t++) {
      await plain.update([data(4, t)], 0.2);
      await averaged.update([data(4, t)], 0.2);
      const d = averageDecay(0.5, t);
      for (const [name, average] of expected) {
        const weights = list(averaged.values.get(name));
        expect(weights).toEqual(list(plain.values.get(name)));
        const moved = average.map((a, i) => d * a + (1 - d) * weights[i]!);
        expected.set(name, moved);
        expectClose(list(averaged.values.get(`ema:${name}`)), moved, 1e-6);
      }
    }
    await plain.close();
    await averaged.close();
  });

  it('makes a network learn', async () => {
    const step = trainingStep(convNet(), {
      loss: 'loss',
      optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0 },
      trainable: 'all-weights',
    });
    const run = await runner(step);
    const feeds: Feeds = {
      x: random('x', [6, 2, 8, 8]),
      targets: float32(
        Array.from({ length: 18 }, (_, i) => Number(i % 3 === Math.floor(i / 3) % 3)),
        [6, 3],
      ),
    };
    const losses: number[] = [];
    for (let t = 0; t < 200; t++) losses.push(...(await run.update([feeds], 0.1)));
    await run.close();
    expect(losses.at(-1)!).toBeLessThan(0.2 * losses[0]!);
  });

  it('carries running moments along', async () => {
    const inputs = [info('x', ['N', 2, 3])];
    const { b, weight } = drafting(inputs);
    b.constant(random('variance', [2], 0.5, 1), 'variance');
    b.push({
      op: 'BatchNormalization',
      domain: '',
      name: 'norm',
      inputs: ['x', weight('gamma', [2]), weight('beta', [2]), weight('mean', [2]), 'variance'],
      outputs: ['y', 'new_mean', 'new_variance'],
      attributes: { training_mode: int(1) },
    });
    b.add('ReduceMean', [b.add('Exp', ['y'])], { keepdims: int(0) }, { output: 'loss' });
    const model = modelOf(b.graph(inputs, [info('loss', [])]));
    const step = trainingStep(model, { loss: 'loss', optimizer: SGD, trainable: 'all-weights' });
    expect(step.vectors.filter((v) => v.kind === 'statistic').map((v) => v.name)).toEqual(['mean', 'variance']);
    const run = await runner(step);
    const before = list(run.values.get('mean'));
    const x = random('x', [5, 2, 3]);
    await run.update([{ x }], 0.1);
    const sums = [0, 0];
    for (const [i, v] of list(x).entries()) sums[Math.floor(i / 3) % 2]! += v;
    expectClose(
      list(run.values.get('mean')),
      before.map((m, c) => 0.9 * m + (0.1 * sums[c]!) / 15),
      1e-6,
    );
    await run.close();
  });
});

describe('the stepper', () => {
  const options = { loss: 'loss', optimizer: ADAM, trainable: 'all-weights', accumulate: 3, ema: 0.8 } as const;
  const micro = (t: number): Feeds => ({ x: grid([5, 3], t), y: grid([5, 2], t + 1) });

  it('does what the description says', async () => {
    const step = trainingStep(twoLayers(), options);
    const [run, stepper] = [await runner(step), await openStepper(step, { threads: 1 })];
    for (let t = 0; t < 4; t++) {
      const feeds = [0, 1, 2].map((m) => micro(3 * t + m));
      const expected = await run.update(feeds, 0.1);
      for (const [m, one] of feeds.entries()) {
        expect(stepper.updates).toBe(t);
        expect(await stepper.step(one, 0.1)).toBe(expected[m]);
      }
      expect(stepper.updates).toBe(t + 1);
      const { weights, states } = await stepper.read();
      for (const { name, kind } of step.vectors) {
        if (kind === 'sum') continue;
        expect(list(weights.get(name) ?? states.get(name))).toEqual(list(run.values.get(name)));
      }
      expect(weights.get('w1')?.dims).toEqual([4, 3]);
    }
    await run.close();
    await stepper.close();
  });

  it('leaves running moments as they were where the loss is not finite', async () => {
    const inputs = [info('x', ['N', 2, 3])];
    const { b, weight } = drafting(inputs);
    b.push({
      op: 'BatchNormalization',
      domain: '',
      name: 'norm',
      inputs: [
        'x',
        weight('gamma', [2]),
        weight('beta', [2]),
        weight('mean', [2]),
        b.constant(float32([1, 2], [2]), 'variance'),
      ],
      outputs: ['y', 'new_mean', 'new_variance'],
      attributes: { training_mode: int(1) },
    });
    b.add('ReduceMean', [b.add('Exp', ['y'])], { keepdims: int(0) }, { output: 'loss' });
    const step = trainingStep(modelOf(b.graph(inputs, [info('loss', [])])), {
      loss: 'loss',
      optimizer: SGD,
      trainable: 'all-weights',
    });
    const [run, stepper] = [await runner(step), await openStepper(step, { threads: 1 })];
    const read = async () => {
      const { weights } = await stepper.read();
      return [...weights].map(([name, t]) => [name, list(t)]);
    };
    const x = random('x', [5, 2, 3]);
    const infinite = float32(list(x).with(0, Number.POSITIVE_INFINITY), x.dims);
    const start = await read();
    await expect(stepper.step({ x: infinite }, 0.1)).rejects.toThrow('expected a finite loss');
    expect(await read()).toEqual(start);
    for (let t = 0; t < 3; t++) {
      expect(await stepper.step({ x }, 0.1)).toBe((await run.update([{ x }], 0.1))[0]);
      const before = await read();
      await expect(stepper.step({ x: infinite }, 0.1)).rejects.toThrow('expected a finite loss');
      expect(await read()).toEqual(before);
      expect(before).toEqual(before.map(([name]) => [name, list(run.values.get(String(name)))]));
    }
    await run.close();
    await stepper.close();
  });

  it('goes on from where another stopped', async () => {
    const whole = await openStepper(trainingStep(twoLayers(), options), { threads: 1 });
    for (let t = 0; t < 6; t++) await whole.step(micro(t), 0.1);
    const { weights, states } = await whole.read();
    const model = twoLayers();
    const initializers = new Map([...model.graph.initializers, ...weights]);
    const later = trainingStep({ ...model, graph: { ...model.graph, initializers } }, options);
    const resumed = await openStepper(later, { threads: 1, states, updates: whole.updates });
    for (let t = 6; t < 9; t++) expect(await resumed.step(micro(t), 0.1)).toBe(await whole.step(micro(t), 0.1));
    expect(await resumed.read()).toEqual(await whole.read());
    await whole.close();
    await resumed.close();
  });
});

describe('errors', () => {
  const message = (options: Partial<Parameters<typeof trainingStep>[1]>): string => {
    try {
      trainingStep(twoLayers(), { loss: 'loss', optimizer: SGD, trainable: 'all-weights', ...options });
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      return error instanceof Error ? error.message : '';
    }
    return 'no error';
  };

  it('name what is wrong with the request', () => {
    expect(message({})).toBe('no error');
    expect(message({ loss: 'x' })).toMatch(/loss: expected an output of the model \(loss\), got x/);
    expect(message({ trainable: [] })).toMatch(/trainable: expected names of weights, got none/);
    expect(message({ trainable: ['w1', 'w1'] })).toMatch(/trainable: expected every name once, got w1 twice/);
    expect(message({ trainable: ['x'] })).toMatch(/float32 initializers of the model, got x/);
    expect(message({ trainable: [{ weights: ['w1'], rate: 0 }] })).toMatch(
      /rate of a group: expected a factor above 0/,
    );
    expect(message({ trainable: [{ weights: ['w1'], weightDecay: -1 }] })).toMatch(/weightDecay of a group/);
    expect(message({ accumulate: 1.5 })).toMatch(/accumulate: expected a whole number above 0, got 1.5/);
    expect(message({ ema: 1 })).toMatch(/ema: expected a decay in \[0, 1\), got 1/);
    expect(message({ clipNorm: Number.NaN })).toMatch(/clipNorm: expected a norm of 0 or more, got NaN/);
  });

  it('name weights that the loss does not depend on', () => {
    const model = twoLayers();
    const initializers = new Map([...model.graph.initializers, ['apart', grid([2], 1)]]);
    const wider = { ...model, graph: { ...model.graph, initializers } };
    expect(() => trainingStep(wider, { loss: 'loss', optimizer: SGD, trainable: ['w1', 'apart'] })).toThrow(
      /the loss does not depend on apart/,
    );
  });

  it('refuse a loss of several elements', () => {
    expect(() => trainingStep(convNet(), { loss: 'probabilities', optimizer: SGD, trainable: 'all-weights' })).toThrow(
      ShapeError,
    );
  });
});
