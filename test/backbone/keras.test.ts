import { describe, expect, it } from 'vitest';
import { LAYERS } from '../../src/backbone/importers/keras/layers.ts';
import { importKeras } from '../../src/backbone/importers/keras.ts';
import { ModelError, UnsupportedOperatorError, UsageError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import { float32, type Model, type Tensor } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { functional, importLayers, randomWeight, type TestLayer, type TestWeight } from './layers-model.ts';
import { conv, depthwise, type Image, type Padding, pool, toChannelsFirst } from './nhwc.ts';
import { expectClose } from './run.ts';

const input = (h: number, w: number, c: number): TestLayer => ({
  type: 'InputLayer',
  name: 'x',
  config: { batch_input_shape: [null, h, w, c] },
});

function image(h: number, w: number, c: number): Image {
  const rng = rngOf(1, 'image');
  return { h, w, c, data: Array.from({ length: h * w * c }, () => Math.fround(rng.normal())) };
}

async function run(model: Model, x: Image): Promise<Tensor> {
  const session = await openSession(model);
  const out = await session.run({ x: float32(toChannelsFirst(x), [1, x.c, x.h, x.w]) });
  await session.close();
  return out[model.graph.outputs[0]!.name]!;
}

/** Runs layers in a row after the input, through a functional model. */
async function chain(
  x: Image,
  layers: readonly Omit<TestLayer, 'from'>[],
  weights: Readonly<Record<string, TestWeight>> = {},
): Promise<Tensor> {
  const linked = layers.map((layer, i): TestLayer => ({ ...layer, from: [layers[i - 1]?.name ?? 'x'] }));
  const last = layers.at(-1)!.name;
  const { model, shapes } = importLayers(functional([input(x.h, x.w, x.c), ...linked], 'x', last), weights);
  const result = await run(model, x);
  expect(result.dims.slice(1)).toEqual(shapes.get(last));
  expect(model.graph.outputs[0]?.dims).toEqual(['N', ...result.dims.slice(1)]);
  return result;
}

async function expectImage(actual: Promise<Tensor>, expected: Image): Promise<void> {
  const tensor = await actual;
  expect(tensor.dims).toEqual([1, expected.c, expected.h, expected.w]);
  expectClose(numbers(tensor), toChannelsFirst(expected), 1e-5);
}

const numbers = (tensor: Tensor): number[] => Array.from(tensor.data, Number);

const GEOMETRY: [number, number, number, number, Padding][] = [6, 7, 9].flatMap((size) =>
  [1, 2, 3].flatMap((kernel) =>
    [1, 2, 3].flatMap((stride) =>
      (['same', 'valid'] as const).map((padding): [number, number, number, number, Padding] => [
        size,
        size + 1,
        kernel,
        stride,
        padding,
      ]),
    ),
  ),
);

describe('windows, of every size, kernel, stride and padding', () => {
  it.each(GEOMETRY)('%i × %i, kernel %i, stride %i, %s', async (h, w, k, stride, padding) => {
    const x = image(h, w, 3);
    const common = { strides: [stride, stride], padding };
    const kernel = randomWeight(1, [k, 2, 3, 4]);
    const bias = randomWeight(2, [4]);
    await expectImage(
      chain(x, [{ type: 'Conv2D', name: 'c', config: { ...common, filters: 4, kernel_size: [k, 2] } }], {
        'c/kernel': kernel,
        'c/bias': bias,
      }),
      conv(x, kernel.data, [k, 2], 4, { stride, padding, bias: bias.data }),
    );
    const deep = randomWeight(3, [k, k, 3, 2]);
    const config = { ...common, kernel_size: k, depth_multiplier: 2, use_bias: false };
    await expectImage(
      chain(x, [{ type: 'DepthwiseConv2D', name: 'd', config }], { 'd/depthwise_kernel': deep }),
      depthwise(x, deep.data, [k, k], 2, { stride, padding }),
    );
    for (const [type, kind] of [
      ['MaxPooling2D', 'max'],
      ['AveragePooling2D', 'mean'],
    ] as const)
      await expectImage(
        chain(x, [{ type, name: 'p', config: { ...common, pool_size: [k, k] } }]),
        pool(x, kind, k, stride, padding),
      );
  });

  it('agrees with the pads that another converter wrote: [0, 0, 1, 1] at stride 2 on an even size', () => {
    const layers = [
      input(224, 224, 3),
      {
        type: 'Conv2D',
        name: 'c',
        from: ['x'],
        config: { filters: 1, kernel_size: 3, strides: 2, padding: 'same', use_bias: false },
      },
    ];
    const { model } = importLayers(functional(layers, 'x', 'c'), { 'c/kernel': randomWeight(1, [3, 3, 3, 1]) });
    expect(model.graph.nodes[0]?.attributes.pads).toEqual({ kind: 'ints', value: [0, 0, 1, 1] });
  });

  it('dilates', async () => {
    const x = image(9, 8, 2);
    const kernel = randomWeight(1, [3, 3, 2, 2]);
    const config = { filters: 2, kernel_size: 3, dilation_rate: 2, padding: 'same', use_bias: false };
    await expectImage(
      chain(x, [{ type: 'Conv2D', name: 'c', config }], { 'c/kernel': kernel }),
      conv(x, kernel.data, [3, 3], 2, { dilation: 2, padding: 'same' }),
    );
  });
});

describe('layers', () => {
  it('SeparableConv2D is a depthwise and a 1×1 convolution', async () => {
    const x = image(7, 6, 3);
    const deep = randomWeight(1, [3, 3, 3, 2]);
    const point = randomWeight(2, [1, 1, 6, 4]);
    const bias = randomWeight(3, [4]);
    const config = { filters: 4, kernel_size: 3, strides: 2, padding: 'same', depth_multiplier: 2, activation: 'relu' };
    const expected = conv(depthwise(x, deep.data, [3, 3], 2, { stride: 2, padding: 'same' }), point.data, [1, 1], 4, {
      bias: bias.data,
    });
    await expectImage(
      chain(x, [{ type: 'SeparableConv2D', name: 's', config }], {
        's/depthwise_kernel': deep,
        's/pointwise_kernel': point,
        's/bias': bias,
      }),
      { ...expected, data: expected.data.map((v) => Math.max(v, 0)) },
    );
  });

  it.each([
    [true, true],
    [false, true],
    [true, false],
  ])('BatchNormalization with scale %s and center %s', async (scale, center) => {
    const x = image(3, 4, 2);
    const [gamma, beta, mean] = [1, 2, 3].map((seed) => randomWeight(seed, [2]));
    const variance = randomWeight(4, [2], true);
    const weights = {
      ...(scale ? { 'outer/b/gamma:0': gamma! } : {}),
      ...(center ? { 'b/beta': beta! } : {}),
      'b/moving_mean': mean!,
      'b/moving_variance': variance,
    };
    const config = { axis: [3], epsilon: 0.01, scale, center };
    const data = x.data.map((v, i) => {
      const c = i % 2;
      const normal = (v - mean!.data[c]!) / Math.sqrt(variance.data[c]! + 0.01);
      return normal * (scale ? gamma!.data[c]! : 1) + (center ? beta!.data[c]! : 0);
    });
    await expectImage(chain(x, [{ type: 'BatchNormalization', name: 'b', config }], weights), { ...x, data });
  });

  const pointwise: [string, Record<string, unknown>, (v: number) => number][] = [
    ['ReLU', { max_value: 0.5, negative_slope: 0, threshold: 0 }, (v) => Math.min(Math.max(v, 0), 0.5)],
    ['ReLU', {}, (v) => Math.max(v, 0)],
    ['ReLU', { max_value: null, negative_slope: 0.1 }, (v) => (v < 0 ? 0.1 * v : v)],
    ['LeakyReLU', { alpha: 0.2 }, (v) => (v < 0 ? 0.2 * v : v)],
    ['Activation', { activation: 'relu6' }, (v) => Math.min(Math.max(v, 0), 6)],
    ['Activation', { activation: 'sigmoid' }, (v) => 1 / (1 + Math.exp(-v))],
    ['Activation', { activation: 'hard_sigmoid' }, (v) => Math.min(Math.max(0.2 * v + 0.5, 0), 1)],
    ['Activation', { activation: 'swish' }, (v) => v / (1 + Math.exp(-v))],
    ['Activation', { activation: 'tanh' }, Math.tanh],
    ['Activation', { activation: 'linear' }, (v) => v],
    ['Dropout', { rate: 0.5 }, (v) => v],
  ];
  it.each(pointwise)('%s %j', async (type, config, f) => {
    const x = image(2, 3, 4);
    // A convolution by 1 comes first, since a graph of no nodes is none.
    const one = { shape: [1, 1, 4, 1], data: new Float32Array(4).fill(1) };
    const before = { type: 'DepthwiseConv2D', name: 'one', config: { kernel_size: 1, use_bias: false } };
    await expectImage(chain(x, [before, { type, name: 'f', config }], { 'one/depthwise_kernel': one }), {
      ...x,
      data: x.data.map(f),
    });
  });

  it('Softmax is over channels', async () => {
    const result = numbers(await chain(image(2, 2, 3), [{ type: 'Softmax', name: 's', config: { axis: -1 } }]));
    for (let p = 0; p < 4; p++) expect(result[p]! + result[4 + p]! + result[8 + p]!).toBeCloseTo(1, 5);
  });

  it('Flatten and Dense read [H, W, C] in the order of Keras', async () => {
    const x = image(2, 3, 4);
    expectClose(numbers(await chain(x, [{ type: 'Flatten', name: 'f' }])), x.data, 1e-6);
    const kernel = randomWeight(1, [24, 2]);
    const bias = randomWeight(2, [2]);
    const dense = { type: 'Dense', name: 'd', config: { units: 2, activation: 'relu' } };
    const result = await chain(x, [{ type: 'Flatten', name: 'f' }, dense], { 'd/kernel': kernel, 'd/bias': bias });
    const expected = [0, 1].map((k) => x.data.reduce((s, v, i) => s + v * kernel.data[i * 2 + k]!, bias.data[k]!));
    expectClose(
      numbers(result),
      expected.map((v) => Math.max(v, 0)),
      1e-5,
    );
  });

  it('Reshape keeps the order of Keras', async () => {
    const x = image(2, 3, 4);
    await expectImage(chain(x, [{ type: 'Reshape', name: 'r', config: { target_shape: [4, -1, 2] } }]), {
      h: 4,
      w: 3,
      c: 2,
      data: x.data,
    });
    const flat = await chain(x, [{ type: 'Reshape', name: 'r', config: { target_shape: [24] } }]);
    expectClose(numbers(flat), x.data, 1e-6);
    const wrong = chain(x, [{ type: 'Reshape', name: 'r', config: { target_shape: [5, 5, 1] } }]);
    await expect(wrong).rejects.toThrow('layer r (Reshape): expected 24 values');
  });

  it('pools over the whole image', async () => {
    const x = image(2, 3, 2);
    const of = (c: number): number[] => x.data.filter((_, i) => i % 2 === c);
    const mean = await chain(x, [{ type: 'GlobalAveragePooling2D', name: 'g' }]);
    expect(mean.dims).toEqual([1, 2]);
    expectClose(
      numbers(mean),
      [0, 1].map((c) => of(c).reduce((s, v) => s + v, 0) / 6),
      1e-5,
    );
    const max = await chain(x, [{ type: 'GlobalMaxPooling2D', name: 'g', config: { keepdims: true } }]);
    expect(max.dims).toEqual([1, 2, 1, 1]);
    expectClose(
      numbers(max),
      [0, 1].map((c) => Math.max(...of(c))),
      1e-6,
    );
  });

  it('ZeroPadding2D goes into the convolution that alone reads it, and stays before anything else', async () => {
    const x = image(5, 5, 2);
    const kernel = randomWeight(1, [3, 3, 2, 3]);
    const pad = {
      type: 'ZeroPadding2D',
      name: 'p',
      config: {
        padding: [
          [0, 1],
          [2, 1],
        ],
      },
    };
    const convolution = {
      type: 'Conv2D',
      name: 'c',
      config: { filters: 3, kernel_size: 3, strides: 2, use_bias: false },
    };
    const padded: Image = {
      h: 6,
      w: 8,
      c: 2,
      data: Array.from({ length: 96 }, (_, i) => {
        const [row, column, c] = [Math.floor(i / 16), (Math.floor(i / 2) % 8) - 2, i % 2];
        return row < 5 && column >= 0 && column < 5 ? x.data[(row * 5 + column) * 2 + c]! : 0;
      }),
    };
    await expectImage(
      chain(x, [pad, convolution], { 'c/kernel': kernel }),
      conv(padded, kernel.data, [3, 3], 3, { stride: 2 }),
    );
    await expectImage(
      chain(x, [pad, { type: 'MaxPooling2D', name: 'm', config: {} }]),
      pool(padded, 'max', 2, 2, 'valid'),
    );
    await expectImage(
      chain(x, [pad, { type: 'AveragePooling2D', name: 'm', config: {} }]),
      pool(padded, 'mean', 2, 2, 'valid'),
    );
    const layers = [input(5, 5, 2), { ...pad, from: ['x'] }, { ...convolution, from: ['p'] }];
    const { model } = importLayers(functional(layers, 'x', 'c'), { 'c/kernel': kernel });
    expect(model.graph.nodes.map((n) => n.op)).toEqual(['Conv']);
  });

  it('Concatenate, Add and Multiply, of two or more', async () => {
    const x = image(2, 2, 2);
    const relu: TestLayer = { type: 'ReLU', name: 'r', from: ['x'] };
    const build = (type: string, config = {}): Model =>
      importLayers(functional([input(2, 2, 2), relu, { type, name: 'y', from: ['x', 'r', 'x'], config }], 'x', 'y'), {})
        .model;
    const first = toChannelsFirst(x);
    const positive = first.map((v) => Math.max(v, 0));
    expectClose(
      numbers(await run(build('Add'), x)),
      first.map((v, i) => 2 * v + positive[i]!),
      1e-6,
    );
    expectClose(
      numbers(await run(build('Multiply'), x)),
      first.map((v, i) => v * v * positive[i]!),
      1e-6,
    );
    expectClose(numbers(await run(build('Concatenate', { axis: 3 }), x)), [...first, ...positive, ...first], 1e-6);
    expect((await run(build('Concatenate', { axis: 1 }), x)).dims).toEqual([1, 2, 6, 2]);
    expect((await run(build('Concatenate', { axis: -2 }), x)).dims).toEqual([1, 2, 2, 6]);
  });

  it('names weights after layers and keeps BatchNormalization apart', () => {
    const layers = [
      input(4, 4, 3),
      { type: 'Conv2D', name: 'conv2d_1', from: ['x'], config: { filters: 2, kernel_size: [1, 1], use_bias: false } },
      { type: 'BatchNormalization', name: 'bn_1', from: ['conv2d_1'], config: { scale: false } },
    ];
    const vector = randomWeight(1, [2], true);
    const { model } = importLayers(functional(layers, 'x', 'bn_1'), {
      'conv2d_1/kernel': randomWeight(1, [1, 1, 3, 2]),
      'bn_1/beta': vector,
      'bn_1/moving_mean': vector,
      'bn_1/moving_variance': vector,
    });
    expect(model.graph.nodes.map((n) => [n.op, n.outputs[0]])).toEqual([
      ['Conv', 'conv2d_1'],
      ['BatchNormalization', 'bn_1'],
    ]);
    expect([...model.graph.initializers.keys()]).toEqual([
      'conv2d_1/kernel',
      'bn_1/gamma',
      'bn_1/beta',
      'bn_1/moving_mean',
      'bn_1/moving_variance',
    ]);
  });
});

describe('networks', () => {
  const kernel = randomWeight(1, [1, 1, 2, 2]);
  const inner = functional(
    [
      { type: 'InputLayer', name: 'i', config: { batch_input_shape: [null, 3, 3, 2] } },
      { type: 'Conv2D', name: 'c', from: ['i'], config: { filters: 2, kernel_size: 1, use_bias: false } },
    ],
    'i',
    'c',
  );

  it('Sequential, with and without an InputLayer', async () => {
    const x = image(3, 3, 2);
    const layer = { class_name: 'Conv2D', config: { name: 'c', filters: 2, kernel_size: 1, use_bias: false } };
    const bare = [{ ...layer, config: { ...layer.config, batch_input_shape: [null, 3, 3, 2] } }];
    const expected = conv(x, kernel.data, [1, 1], 2);
    const first = importLayers(bare, { 'c/kernel': kernel }, { type: 'Sequential' }).model;
    expect(first.graph.inputs[0]?.name).toBe('c_input');
    const entry = { class_name: 'InputLayer', config: { name: 'x', batch_input_shape: [null, 3, 3, 2] } };
    const { model } = importLayers(
      { name: 's', layers: [entry, layer] },
      { 'c/kernel': kernel },
      { type: 'Sequential' },
    );
    await expectImage(run(model, x), expected);
  });

  it('nested, and used twice', async () => {
    const x = image(3, 3, 2);
    const layers = [
      input(3, 3, 2),
      { class_name: 'Model', name: 'n', config: inner, inbound_nodes: [[['x', 0, 0, {}]], [['n', 0, 0, {}]]] },
    ].map((l) => ('type' in l ? { class_name: l.type, name: l.name, config: l.config, inbound_nodes: [] } : l));
    const config = { name: 'm', layers, input_layers: [['x', 0, 0]], output_layers: [['n', 1, 0]] };
    const { model } = importLayers(config, { 'c/kernel': kernel });
    expect(model.graph.nodes.map((n) => n.op)).toEqual(['Conv', 'Conv']);
    await expectImage(run(model, x), conv(conv(x, kernel.data, [1, 1], 2), kernel.data, [1, 1], 2));
  });

  it('restores weights of 8 and 16 bits and half floats', () => {
    const config = functional(
      [input(2, 2, 1), { type: 'Conv2D', name: 'c', from: ['x'], config: { filters: 3, kernel_size: 1 } }],
      'x',
      'c',
    );
    const bytes = Buffer.alloc(3 + 6);
    bytes.set([0, 1, 255]);
    // 1, −2 and the smallest subnormal.
    for (const [i, bits] of [0x3c00, 0xc000, 0x0001].entries()) bytes.writeUInt16LE(bits, 3 + 2 * i);
    const quantization = { dtype: 'uint8', min: -1, scale: 0.5 };
    const { model } = importKeras(
      {
        modelTopology: { class_name: 'Functional', config },
        weightsManifest: [
          {
            paths: ['a', 'b'],
            weights: [
              { name: 'c/kernel', shape: [1, 1, 1, 3], dtype: 'float32', quantization },
              { name: 'c/bias', shape: [3], dtype: 'float32', quantization: { dtype: 'float16' } },
            ],
          },
        ],
      },
      (path) => (path === 'a' ? bytes.subarray(0, 4) : bytes.subarray(4)),
    );
    expect(numbers(model.graph.initializers.get('c/kernel')!)).toEqual([-1, -0.5, 126.5]);
    expect(numbers(model.graph.initializers.get('c/bias')!)).toEqual([1, -2, 2 ** -24]);
  });
});

describe('what cannot be imported', () => {
  const conv2D = (config: Record<string, unknown>): TestLayer => ({
    type: 'Conv2D',
    name: 'c',
    from: ['x'],
    config: { filters: 1, kernel_size: 3, use_bias: false, ...config },
  });
  const kernel = { 'c/kernel': randomWeight(1, [3, 3, 3, 1]) };
  const load = (layer: TestLayer, weights: Record<string, TestWeight> = kernel, size = 5) =>
    importLayers(functional([input(size, size, 3), layer], 'x', layer.name), weights);

  it.each<[string, () => unknown, string]>([
    [
      'unknown layer',
      () => load({ type: 'Lambda', name: 'l', from: ['x'] }),
      'model.json: layer l: layers of type Lambda are not supported',
    ],
    ['missing weight', () => load(conv2D({}), {}), 'layer c (Conv2D): expected weight c/kernel [3, 3, 3, 1], got none'],
    [
      'weight of another shape',
      () => load(conv2D({ filters: 2 })),
      'expected weight c/kernel [3, 3, 3, 2], got [3, 3, 3, 1]',
    ],
    [
      'window too large',
      () => load(conv2D({}), kernel, 2),
      'layer c (Conv2D): expected an image of at least 3 × 3, got 2 × 2',
    ],
    ['other layout', () => load(conv2D({ data_format: 'channels_first' })), 'layer c (Conv2D): data_format'],
    ['missing property', () => load(conv2D({ filters: undefined })), 'layer c (Conv2D): filters'],
    ['unknown activation', () => load(conv2D({ activation: 'sine' })), 'layer c (Conv2D): activation'],
    ['missing layer', () => load({ type: 'ReLU', name: 'r', from: ['y'] }), 'a reference to a missing layer y'],
    ['cycle', () => load({ type: 'ReLU', name: 'r', from: ['r'] }), 'a reference to an unfinished layer r'],
    [
      'one input of two',
      () => load({ type: 'Add', name: 'a', from: ['x'] }),
      'layer a (Add): expected two inputs or more, got 1',
    ],
    [
      'not a network',
      () => importLayers({}, {}, { type: 'Dense' }),
      'expected one of Model, Functional, Sequential, got Dense',
    ],
    ['not Keras', () => importKeras({ format: 'graph-model' }, () => Buffer.alloc(0)), 'model.json: modelTopology'],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(ModelError);
    expect(run).toThrow(message);
  });

  it('names the supported layers', () => {
    try {
      load({ type: 'Lambda', name: 'l', from: ['x'] });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(UnsupportedOperatorError);
      expect(error).toMatchObject({ hint: expect.stringContaining([...LAYERS.keys()].join(', ')) });
    }
  });

  it('too few bytes of weights, or too many', () => {
    const json = (shape: number[]) => ({
      modelTopology: { class_name: 'Model', config: functional([input(2, 2, 1)], 'x', 'x') },
      weightsManifest: [{ paths: ['a'], weights: [{ name: 'c/kernel', shape, dtype: 'float32' }] }],
    });
    expect(() => importKeras(json([3]), () => Buffer.alloc(8))).toThrow('expected 12 bytes of weights, got 8');
    expect(() => importKeras(json([1]), () => Buffer.alloc(8))).toThrow('expected 4 bytes of weights, got 8');
  });

  it('a free size must be given', () => {
    const free: TestLayer = { type: 'InputLayer', name: 'x', config: { batch_input_shape: [null, null, null, 3] } };
    const config = functional([free, conv2D({})], 'x', 'c');
    expect(() => importLayers(config, kernel)).toThrow(UsageError);
    const { shapes } = importLayers(config, kernel, { size: 8 });
    expect(shapes.get('c')).toEqual([1, 6, 6]);
  });
});
