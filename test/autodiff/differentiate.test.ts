import { describe, expect, it } from 'vitest';
import { decodeModel, differentiate, encodeModel, weightNames } from '../../src/autodiff/index.ts';
import { ShapeError, UnsupportedOperatorError, UsageError } from '../../src/core/errors.ts';
import { float32, int, int64, ints, type Model, scalar, type Tensor } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { convNet, drafting, info, meanSquare, modelOf, random } from './networks.ts';

type Feeds = Readonly<Record<string, Tensor>>;

async function run(model: Model, feeds: Feeds): Promise<Record<string, Tensor>> {
  // Through a file's bytes, as anybody else would get it.
  const session = await openSession(encodeModel(decodeModel(encodeModel(model))), { threads: 1 });
  const results = await session.run(feeds);
  await session.close();
  return results;
}

/** Values of the asked initializers, which the gradient model takes as inputs. */
const weightsOf = (model: Model, names: readonly string[]): Record<string, Tensor> =>
  Object.fromEntries(
    names.flatMap((n) => (model.graph.initializers.has(n) ? [[n, model.graph.initializers.get(n)!]] : [])),
  );

/** Every element of every gradient against a central difference of the model's own loss. */
async function expectDifferences(model: Model, data: Feeds, wrt: readonly string[], loss = 'loss', step = 1e-2) {
  const feeds = { ...data, ...weightsOf(model, wrt) };
  const results = await run(differentiate(model, { loss, wrt }), feeds);
  const fed = differentiate(model, { loss, wrt, keep: [loss] });
  const session = await openSession(fed, { threads: 1 });
  const at = async (values: Feeds): Promise<number> => Number((await session.run(values))[loss]!.data[0]);
  for (const name of wrt) {
    const { dims, data: values } = feeds[name]!;
    const gradient = results[`grad:${name}`]!;
    expect([...gradient.dims]).toEqual([...dims]);
    for (let i = 0; i < values.length; i += Math.max(1, Math.floor(values.length / 7))) {
      const moved = (by: number) =>
        at({ ...feeds, [name]: float32(Float32Array.from(values, Number).with(i, Number(values[i]) + by), dims) });
      const numeric = ((await moved(step)) - (await moved(-step))) / (2 * step);
      expect(Math.abs(Number(gradient.data[i]) - numeric), `grad:${name}[${i}]`).toBeLessThan(
        2e-3 * Math.max(1, Math.abs(numeric)),
      );
    }
  }
  await session.close();
  return results;
}

const dataFor = (batch: number): Feeds => ({
  x: random(`x${batch}`, [batch, 2, 8, 8]),
  targets: float32(
    Array.from({ length: batch * 3 }, (_, i) => Number(i % 3 === Math.floor(i / 3) % 3)),
    [batch, 3],
  ),
});

describe('gradients of a network with a free batch', () => {
  const model = convNet();
  const weights = weightNames(model.graph, 'loss');

  it('knows its weights: no statistics', () => {
    expect(weights.toSorted()).toEqual(
      ['bn/beta', 'bn/gamma', 'conv/b', 'conv/w', 'fc/b', 'fc/w', 'out/b', 'out/w'].toSorted(),
    );
  });

  it.each([1, 2, 5])('agree with differences at batch %i', async (batch) => {
    await expectDifferences(model, dataFor(batch), ['x', ...weights]);
  });

  it('are the same from one graph for every batch as from one for this batch alone', async () => {
    const free = differentiate(model, { loss: 'loss', wrt: 'all-weights' });
    for (const batch of [1, 3]) {
      const fixed = differentiate(model, {
        loss: 'loss',
        wrt: 'all-weights',
        inputShapes: { x: [batch, 2, 8, 8] },
      });
      expect(fixed.graph.inputs.find((v) => v.name === 'targets')?.dims).toEqual([batch, 3]);
      const feeds = { ...dataFor(batch), ...weightsOf(model, weights) };
      const [a, b] = [await run(free, feeds), await run(fixed, feeds)];
      expect(Object.keys(a)).toEqual(['probabilities', 'loss', ...weights.map((w) => `grad:${w}`)]);
      for (const [name, { data }] of Object.entries(a))
        for (const [i, v] of data.entries()) expect(Number(v)).toBeCloseTo(Number(b[name]!.data[i]), 6);
    }
  });

  it('keep shapes free where the input has them free', () => {
    const { graph } = differentiate(model, { loss: 'loss', wrt: ['x', 'fc/w'] });
    expect(graph.outputs.slice(2)).toEqual([info('grad:x', ['N', 2, 8, 8]), info('grad:fc/w', [64, 5])]);
    expect(graph.inputs.map((v) => v.name)).toEqual(['x', 'targets', 'fc/w']);
    expect(graph.initializers.has('fc/w')).toBe(false);
  });

  it('keep what the model says of itself', () => {
    const { metadata, opset, domains } = differentiate(model, { loss: 'loss', wrt: ['x'] });
    expect({ metadata, opset, domains }).toEqual({ metadata: { made: 'here' }, opset: 18, domains: {} });
  });

  it('are found for batches whose inputs name the batch differently', async () => {
    const { graph } = model;
    const inputs = [info('x', ['batch_x', 2, 8, 8]), info('targets', ['unnamed', 3])];
    await expectDifferences({ ...model, graph: { ...graph, inputs } }, dataFor(2), ['x', 'out/b']);
  });
});

describe('several uses', () => {
  it('adds up the gradients of a tensor read many times, and of a part used twice', async () => {
    const inputs = [info('x', ['N', 4])];
    const { b, weight } = drafting(inputs);
    const w = weight('w', [4, 4]);
    const part = b.add('Tanh', [b.add('MatMul', ['x', w])]);
    const twice = b.add('Mul', [part, part]);
    // The same weight transposed, and the same part again beside its square.
    const back = b.add('MatMul', [twice, b.add('Transpose', [w], { perm: ints([1, 0]) })]);
    const sum = b.add('Add', [b.add('Add', [back, part]), 'x']);
    meanSquare(b, sum);
    const model = modelOf(b.graph(inputs, [info('loss', [])]));
    await expectDifferences(model, { x: random('x', [3, 4]) }, ['x', 'w']);
  });

  it('broadcasts between ranks', async () => {
    const inputs = [info('x', ['N', 3, 4]), info('row', [4]), info('column', [3, 1]), info('one', [])];
    const { b, weight } = drafting(inputs);
    const y = b.add('Div', [b.add('Mul', [b.add('Add', ['x', 'row']), 'column']), b.add('Exp', ['one'])]);
    meanSquare(b, b.add('Sub', [y, weight('w', [2, 1, 1, 4])]));
    const model = modelOf(b.graph(inputs, [info('loss', [])]));
    const data = { x: random('x', [2, 3, 4]), row: random('r', [4]), column: random('c', [3, 1]), one: scalar(0.3) };
    await expectDifferences(model, data, ['x', 'row', 'column', 'one', 'w']);
  });

  it('follows two free dimensions, and their product', async () => {
    // Attention over L steps: [N, L, 4], heads split and joined.
    const inputs = [info('x', ['N', 'L', 4])];
    const { b, weight } = drafting(inputs);
    const project = (name: string): string => b.add('MatMul', ['x', weight(name, [4, 4])]);
    const heads = (t: string): string =>
      b.add('Transpose', [b.add('Reshape', [t, b.ints([0, 0, 2, 2])])], { perm: ints([0, 2, 1, 3]) });
    const scores = b.add('MatMul', [
      heads(project('q')),
      b.add('Transpose', [heads(project('k'))], { perm: ints([0, 1, 3, 2]) }),
    ]);
    const mixed = b.add('MatMul', [b.add('Softmax', [scores], { axis: int(-1) }), heads(project('v'))]);
    const joined = b.add('Reshape', [b.add('Transpose', [mixed], { perm: ints([0, 2, 1, 3]) }), b.ints([0, 0, 4])]);
    meanSquare(b, b.add('Add', [joined, 'x']));
    const model = modelOf(b.graph(inputs, [info('loss', [])]));
    const gradients = differentiate(model, { loss: 'loss', wrt: ['x'] });
    expect(gradients.graph.outputs.at(-1)?.dims).toEqual(['N', 'L', 4]);
    for (const dims of [
      [2, 3, 4],
      [1, 1, 4],
      [3, 5, 4],
    ])
      await expectDifferences(model, { x: random(`x${dims}`, dims) }, ['x', 'q', 'k', 'v']);
  });
});

describe('what is left out', () => {
  const inputs = [info('x', ['N', 4]), info('other', ['N', 4])];
  const { b, weight } = drafting(inputs);
  const h = b.add('MatMul', ['x', weight('w', [4, 3])], {}, { output: 'h' });
  meanSquare(b, h);
  b.add('Relu', [b.add('MatMul', ['other', weight('unused', [4, 2])])], {}, { output: 'aside' });
  // An operator without shapes or gradients, in a branch that has nothing to do with the loss.
  b.add('Det', [b.add('MatMul', [weight('a', [3, 2]), weight('c', [2, 3])])], {}, { output: 'det' });
  const model = modelOf(b.graph(inputs, [info('loss', []), info('aside', ['N', 2]), info('det', [])]));

  it('is what neither a kept output nor a gradient needs', () => {
    const { graph } = differentiate(model, { loss: 'loss', wrt: ['w'], keep: ['loss'] });
    expect(graph.outputs.map((v) => v.name)).toEqual(['loss', 'grad:w']);
    expect(graph.inputs.map((v) => v.name)).toEqual(['x', 'w']);
    expect([...graph.initializers.keys()].filter((n) => ['w', 'unused', 'a', 'c'].includes(n))).toEqual([]);
    expect(graph.nodes.map((n) => n.op)).not.toContain('Det');
    expect(graph.nodes.map((n) => n.op)).not.toContain('Relu');
  });

  it('is the loss itself where nobody keeps it', async () => {
    const only = differentiate(model, { loss: 'loss', wrt: ['x'], keep: [] });
    expect(only.graph.outputs.map((v) => v.name)).toEqual(['grad:x']);
    expect(only.graph.nodes.map((n) => n.op)).not.toContain('ReduceMean');
    const results = await run(only, { x: random('x', [2, 4]) });
    expect(results['grad:x']!.dims).toEqual([2, 4]);
  });

  it('is nothing by default: branches without gradients run as they did', async () => {
    const feeds = { x: random('x', [2, 4]), other: random('other', [2, 4]) };
    const before = await run(model, feeds);
    const after = await run(differentiate(model, { loss: 'loss', wrt: ['x'] }), feeds);
    for (const name of ['loss', 'aside', 'det']) expect(after[name]).toEqual(before[name]);
  });

  it('is arithmetic on fixed shapes', () => {
    const { graph } = differentiate(convNet(), { loss: 'loss', wrt: ['conv/w'], inputShapes: { x: [2, 2, 8, 8] } });
    expect(graph.nodes.map((n) => n.op)).not.toContain('Shape');
    expect(graph.nodes.map((n) => n.op)).not.toContain('Gather');
  });
});

describe('a tensor that the loss does not depend on', () => {
  it('has zeros for a gradient, in its own shape', async () => {
    const inputs = [info('x', ['N', 4]), info('other', ['M', 2, 3])];
    const { b, weight } = drafting(inputs);
    meanSquare(b, 'x');
    b.add('Relu', [weight('w', [2, 2])], {}, { output: 'aside' });
    // Steps let no gradient through.
    const stepped = b.add('Floor', ['other']);
    b.add('Add', ['loss', b.add('ReduceSum', [stepped], { keepdims: int(0) })], {}, { output: 'total' });
    const model = modelOf(b.graph(inputs, [info('loss', []), info('total', []), info('aside', [2, 2])]));
    const feeds = { x: random('x', [3, 4]), other: random('o', [5, 2, 3]), w: random('w', [2, 2]) };
    for (const loss of ['loss', 'total']) {
      const gradients = differentiate(model, { loss, wrt: ['x', 'other', 'w'] });
      expect(gradients.graph.outputs.slice(3)).toEqual([
        info('grad:x', ['N', 4]),
        info('grad:other', ['M', 2, 3]),
        info('grad:w', [2, 2]),
      ]);
      const results = await run(gradients, feeds);
      expect(results['grad:other']).toEqual({ dtype: 'float32', dims: [5, 2, 3], data: new Float32Array(30) });
      expect(results['grad:w']).toEqual({ dtype: 'float32', dims: [2, 2], data: new Float32Array(4) });
    }
    const without = differentiate(model, { loss: 'loss', wrt: ['w', 'x'], keep: ['loss'] });
    expect(without.graph.inputs.map((v) => v.name).toSorted()).toEqual(['w', 'x']);
  });
});

describe('identities', () => {
  it('the loss by itself is 1, and a tensor in between has a gradient too', async () => {
    const inputs = [info('x', ['N', 3])];
    const { b } = drafting(inputs);
    b.add('Mul', ['x', b.scalar(2)], {}, { output: 'h' });
    b.add('ReduceSum', ['h'], { keepdims: int(0) }, { output: 'loss' });
    const model = modelOf(b.graph(inputs, [info('loss', [])]));
    const results = await run(differentiate(model, { loss: 'loss', wrt: ['loss', 'h', 'x'] }), {
      x: random('x', [2, 3]),
    });
    expect([...results['grad:loss']!.data]).toEqual([1]);
    expect([...results['grad:h']!.data]).toEqual([1, 1, 1, 1, 1, 1]);
    expect([...results['grad:x']!.data]).toEqual([2, 2, 2, 2, 2, 2]);
  });

  it('a mean over the batch has 1 / N', async () => {
    const inputs = [info('x', ['N', 3])];
    const { b } = drafting(inputs);
    b.add('ReduceMean', ['x'], { keepdims: int(1) }, { output: 'loss' });
    const model = modelOf(b.graph(inputs, [info('loss', [1, 1])]));
    const gradients = differentiate(model, { loss: 'loss', wrt: 'all-inputs', keep: [] });
    for (const n of [1, 2, 100]) {
      const { data } = (await run(gradients, { x: random('x', [n, 3]) }))['grad:x']!;
      for (const v of data) expect(Number(v)).toBeCloseTo(1 / (3 * n), 7);
    }
  });

  it('the same model gives the same bytes', () => {
    const bytes = () => encodeModel(differentiate(convNet(), { loss: 'loss', wrt: 'all-weights' }));
    expect(Buffer.compare(bytes(), bytes())).toBe(0);
  });

  it('weights may be Constant nodes or inputs with a default', async () => {
    const inputs = [info('x', [2, 3]), info('v', [3])];
    const { b } = drafting(inputs);
    b.push({
      op: 'Constant',
      domain: '',
      name: 'k',
      inputs: [],
      outputs: ['w'],
      attributes: { value: { kind: 'tensor', value: float32([1, 2, 3], [3]) } },
    });
    b.constant(float32([1, 1, 1], [3]), 'v');
    meanSquare(b, b.add('Mul', [b.add('Mul', ['x', 'w']), 'v']));
    const model = modelOf(b.graph(inputs, [info('loss', [])]));
    const gradients = differentiate(model, { loss: 'loss', wrt: 'all-weights' });
    expect(gradients.graph.inputs.map((i) => i.name)).toEqual(['x', 'v', 'w']);
    const plain = differentiate(model, { loss: 'loss', wrt: ['x'] });
    expect(plain.graph.inputs.map((i) => i.name)).toEqual(['x']);
  });
});

describe('errors', () => {
  const model = convNet();
  const message = (options: Parameters<typeof differentiate>[1], of = model): string => {
    try {
      differentiate(of, options);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      return error instanceof Error ? error.message : '';
    }
    return 'no error';
  };

  it('name what is wrong with the request', () => {
    expect(message({ loss: 'lost', wrt: ['x'] })).toBe(
      'loss: expected an output of the model (probabilities, loss), got lost',
    );
    expect(message({ loss: 'x', wrt: ['x'] })).toMatch(/loss: expected an output/);
    expect(message({ loss: 'loss', wrt: [] })).toMatch(/wrt: expected names of tensors, got none/);
    expect(message({ loss: 'loss', wrt: ['y'] })).toBe('wrt: expected a tensor of the model, got y');
    expect(message({ loss: 'loss', wrt: ['x', 'x'] })).toBe('wrt: expected every name once, got x twice');
    expect(message({ loss: 'loss', wrt: ['x'], keep: ['loss', 'loss'] })).toMatch(/keep: expected every name once/);
    expect(message({ loss: 'loss', wrt: ['x'], keep: ['y'] })).toMatch(/keep: expected outputs of the model/);
    expect(message({ loss: 'loss', wrt: ['x'], inputShapes: { y: [1] } })).toMatch(/names among x, targets, got y/);
    expect(message({ loss: 'loss', wrt: ['x'], inputShapes: { x: [1, 2] } })).toMatch(/a shape like \[N, 2, 8, 8\]/);
    expect(message({ loss: 'loss', wrt: ['x'], inputShapes: { x: [0, 2, 8, 8] } })).toMatch(/got \[0, 2, 8, 8\]/);
    expect(message({ loss: 'loss', wrt: ['x'], inputShapes: { x: [1, 2, 8, 8], targets: [2, 3] } })).toMatch(
      /N = 1, got 2/,
    );
  });

  it('refuse whole numbers', () => {
    const inputs = [info('ids', ['N'], 'int64'), info('x', ['N'])];
    const { b } = drafting(inputs);
    b.constant(int64([1]), 'k');
    const cast = b.add('Cast', [b.add('Add', ['ids', 'k'], {}, { output: 'sum' })], { to: int(1) });
    meanSquare(b, b.add('Mul', [cast, 'x']));
    const whole = modelOf(b.graph(inputs, [info('loss', [])]));
    for (const name of ['ids', 'k', 'sum'])
      expect(message({ loss: 'loss', wrt: [name] }, whole)).toBe(
        `wrt ${name}: expected a tensor of a float type, got int64`,
      );
    expect(differentiate(whole, { loss: 'loss', wrt: 'all-inputs' }).graph.outputs.at(-1)?.name).toBe('grad:x');
  });

  it('refuse a loss of several elements', () => {
    expect(() => differentiate(model, { loss: 'probabilities', wrt: ['x'] })).toThrow(ShapeError);
    expect(() => differentiate(model, { loss: 'probabilities', wrt: ['x'] })).toThrow(/a loss of one element/);
  });

  it('refuse to call two tensors the same', () => {
    const gradients = differentiate(model, { loss: 'loss', wrt: ['x'] });
    expect(message({ loss: 'loss', wrt: ['x'] }, gradients)).toMatch(/has a tensor grad:x already/);
  });

  it.each(['Det', 'NotAnOperator'])('name an operator without a rule, its node, and those that have one: %s', (op) => {
    const inputs = [info('x', ['N', 3, 3])];
    const { b } = drafting(inputs);
    meanSquare(b, b.add(op, ['x'], {}, { name: 'culprit' }));
    const unknown = modelOf(b.graph(inputs, [info('loss', [])]));
    try {
      differentiate(unknown, { loss: 'loss', wrt: ['x'] });
      expect.fail('expected an error');
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedOperatorError);
      if (!(error instanceof UnsupportedOperatorError)) return;
      expect(error.message).toBe(`node culprit: operator ${op} has no gradient rule`);
      expect(error.hint).toMatch(/^Supported: Abs, .*\bConv, .*\bWhere\b/);
    }
  });

  it('name a free dimension that must be given, and how', () => {
    const inputs = [info('x', ['N', 1, 'H', 'W'])];
    const { b, weight } = drafting(inputs);
    const y = b.add('Conv', ['x', weight('w', [2, 1, 3, 3])], { strides: ints([2, 2]) });
    meanSquare(b, y);
    const strided = modelOf(b.graph(inputs, [info('loss', [])]));
    try {
      differentiate(strided, { loss: 'loss', wrt: ['w'] });
      expect.fail('expected an error');
    } catch (error) {
      expect(error).toBeInstanceOf(ShapeError);
      if (!(error instanceof ShapeError)) return;
      expect(error.message).toMatch(/dim 2 \('H'\) of input 'x'/);
      expect(error.hint).toMatch(/inputShapes/);
    }
    const given = differentiate(strided, { loss: 'loss', wrt: ['w'], inputShapes: { x: [2, 1, 9, 9] } });
    expect(given.graph.inputs[0]?.dims).toEqual([2, 1, 9, 9]);
  });
});

describe('gradients of what onnxruntime gets wrong', () => {
  it('are right behind a product of a transposed matrix and a vector', async () => {
    const inputs = [info('x', ['N', 3, 4])];
    const { b, weight } = drafting(inputs);
    const transposed = b.add('Transpose', ['x'], { perm: ints([0, 2, 1]) });
    meanSquare(b, b.add('MatMul', [transposed, weight('v', [3])], {}, { output: 'y' }));
    const model = modelOf(b.graph(inputs, [info('loss', []), info('y', ['N', 4])]));
    const x = random('x', [2, 3, 4]);
    const results = await expectDifferences(model, { x }, ['v', 'x']);
    const [v, xs] = [weightsOf(model, ['v']).v!.data, x.data].map((d) => Array.from(d, Number));
    const expected = [0, 1].flatMap((n) =>
      [0, 1, 2, 3].map((j) => [0, 1, 2].reduce((sum, i) => sum + v![i]! * xs![12 * n + 4 * i + j]!, 0)),
    );
    for (const [i, y] of expected.entries()) expect(Number(results.y!.data[i])).toBeCloseTo(y, 5);
  });

  it.each(['AveragePool', 'LpPool', 'MaxPool'])('are right where %s rounds up into the padding', async (op) => {
    const inputs = [info('x', ['N', 2, 3, 3])];
    const { b } = drafting(inputs);
    const windows = { kernel_shape: ints([2, 2]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]), ceil_mode: int(1) };
    meanSquare(b, b.add('Mul', [b.add(op, ['x'], windows), b.constant(random('factors', [2, 2, 2]))]));
    const x = random('x', [2, 2, 3, 3]);
    await expectDifferences(modelOf(b.graph(inputs, [info('loss', [])])), { x }, ['x'], 'loss', 1e-3);
  });

  it('leave running moments that are fed as they were', async () => {
    const inputs = [info('x', ['N', 2, 3]), info('mean', [2])];
    const { b, weight } = drafting(inputs);
    b.push({
      op: 'BatchNormalization',
      domain: '',
      name: 'norm',
      inputs: ['x', weight('gamma', [2]), weight('beta', [2]), 'mean', weight('variance', [2])],
      outputs: ['y', 'new_mean', 'new_variance'],
      attributes: { training_mode: int(1) },
    });
    meanSquare(b, b.add('Concat', ['new_mean', 'new_variance'], { axis: int(0) }));
    const model = modelOf(b.graph(inputs, [info('loss', [])]));
    const mean = random('mean', [2]);
    const session = await openSession(differentiate(model, { loss: 'loss', wrt: ['x', 'mean'] }), { threads: 1 });
    const feeds = { x: random('x', [4, 2, 3]), mean };
    const first = await session.run(feeds);
    const second = await session.run(feeds);
    await session.close();
    expect(mean).toEqual(random('mean', [2]));
    expect(second).toEqual(first);
  });
});
