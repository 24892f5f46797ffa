import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findCut } from '../../src/backbone/cuts.ts';
import type { NORMALISATIONS } from '../../src/backbone/normalisation.ts';
import { withRecord } from '../../src/backbone/record.ts';
import { loadBackbone } from '../../src/backbone/registry.ts';
import { ModelError, UsageError } from '../../src/core/errors.ts';
import { type GraphBuilder, graphBuilder } from '../../src/onnx/builder.ts';
import { type Dim, float32, int, ints, type Model, type Tensor } from '../../src/onnx/model.ts';
import { decodeModel, encodeModel } from '../../src/onnx/protobuf.ts';
import { openSession } from '../../src/onnx/session.ts';
import { SHARED } from '../shared.ts';
import { randomWeight } from './layers-model.ts';
import { expectClose, meanOverImage, preprocess, runTensors } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'nevus-onnx-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FILE = join(SHARED, 'weights/mobilenet_v2_imagenet.onnx');
const missing = !existsSync(FILE);
if (missing) console.warn(`SKIPPED: ${FILE} is not there`);

describe.skipIf(missing)('mobilenet_v2_imagenet.onnx on the reference images', () => {
  const reference = (name: string): Buffer => readFileSync(join(SHARED, 'weights/reference', name));
  const floats = (name: string): Float32Array => new Float32Array(new Uint8Array(reference(name)).buffer);
  const N = 35;

  it('is decoded, encoded and normalised so that its outputs are the reference', { timeout: 60_000 }, async () => {
    const backbone = await loadBackbone(FILE);
    const feed = preprocess(backbone.input, reference('imgs.u8'), N);
    const session = await openSession(encodeModel(decodeModel(readFileSync(FILE), FILE)));
    const { probabilities, features } = await session.run({ input: feed });
    await session.close();
    const worst = (actual: Tensor | undefined, expected: Float32Array): number =>
      expected.reduce((most, v, i) => Math.max(most, Math.abs(Number(actual?.data[i]) - v)), 0);
    expect(worst(probabilities, floats('probs.f32'))).toBeLessThan(1e-4);
    expect(worst(features, floats('feats.f32'))).toBeLessThan(1e-4);
    // The backbone ends at the map before the pooling: its means are the features.
    expect(backbone.features).toBe('Conv_1_relu6');
    const maps = await runTensors(backbone, backbone.model, feed, [backbone.features]);
    expectClose(meanOverImage(maps[backbone.features]!), floats('feats.f32'), 1e-5);
  });

  it('knows its normalisation, licence and cuts', async () => {
    const backbone = await loadBackbone(FILE);
    expect(backbone).toMatchObject({ name: 'mobilenet_v2_imagenet', licence: 'Apache-2.0' });
    expect(backbone.input).toMatchObject({
      name: 'input',
      size: 224,
      layout: 'NCHW',
      channels: 'RGB',
      offset: [-1, -1, -1],
    });
    expect(findCut(backbone, 'block_12_add').dims).toEqual([96, 14, 14]);
    expect(backbone.cuts.map((c) => c.name)).toEqual(expect.arrayContaining(['block_1_project', 'block_2_add']));
    // Before its activation, and inside a residual block.
    expect(backbone.cuts.map((c) => c.name)).not.toEqual(expect.arrayContaining(['Conv1']));
    expect(backbone.cuts.map((c) => c.name)).not.toEqual(expect.arrayContaining(['block_2_project']));
    await expect(loadBackbone(FILE, { normalisation: 'unit' })).rejects.toThrow('which is known of this file');
    await expect(loadBackbone(FILE, { normalisation: 'symmetric', size: 224 })).resolves.toBeDefined();
    await expect(loadBackbone(FILE, { size: 192 })).rejects.toThrow(UsageError);
  });

  it('takes the features that are asked for', async () => {
    expect((await loadBackbone(FILE, { features: 'features' })).cuts.at(-1)).toMatchObject({
      tensor: 'features',
      dims: [1280],
    });
    const early = await loadBackbone(FILE, { features: 'block_2_add' });
    expect(early.cuts.at(-1)?.dims).toEqual([24, 56, 56]);
    expect(early.model.graph.outputs.map((o) => o.name)).toEqual(['block_2_add']);
  });
});

let files = 0;
function save(
  build: (b: GraphBuilder) => string,
  dims: readonly Dim[] = ['N', 3, 16, 16],
  extra: Partial<Model> = {},
): string {
  const b = graphBuilder();
  const output = build(b);
  const graph = b.graph(
    [{ name: 'x', dtype: 'float32', dims }],
    [{ name: output, dtype: 'float32', dims: ['N', 'classes'] }],
  );
  const path = join(folder, `${files++}.onnx`);
  writeFileSync(
    path,
    encodeModel({ graph, opset: 17, domains: {}, irVersion: 8, producer: 'test', metadata: {}, ...extra }),
  );
  return path;
}

function weight(b: GraphBuilder, dims: readonly number[]): string {
  return b.constant(float32(randomWeight(1, dims).data, dims));
}
function conv(b: GraphBuilder, x: string, from: number, to: number, output: string, stride = 2): string {
  const attributes = { kernel_shape: ints([3, 3]), strides: ints([stride, stride]), pads: ints([1, 1, 1, 1]) };
  return b.add('Conv', [x, weight(b, [to, from, 3, 3])], attributes, { output });
}
function relu(b: GraphBuilder, x: string): string {
  return b.add('Relu', [x], {}, { output: `${x}_relu` });
}
function gemm(b: GraphBuilder, x: string, from: number, to: number, output: string): string {
  return b.add('Gemm', [x, weight(b, [from, to])], {}, { output });
}
function body(b: GraphBuilder, x = 'x'): string {
  const first = relu(b, conv(b, x, 3, 4, 'one'));
  const skip = conv(b, relu(b, conv(b, first, 4, 4, 'two', 1)), 4, 4, 'three', 1);
  return relu(b, b.add('Add', [first, skip], {}, { output: 'sum' }));
}
const unit = { normalisation: 'unit' } as const;

describe('features and cuts of other networks', () => {
  const found = async (path: string, options = {}): Promise<[string, ...string[]]> => {
    const { features, cuts } = await loadBackbone(path, { ...unit, ...options });
    return [features, ...cuts.map((c) => c.name)];
  };

  it('global pooling as an operator, as a mean, as a window of the whole image', async () => {
    const pools: ((b: GraphBuilder, x: string) => string)[] = [
      (b, x) => b.add('Flatten', [b.add('GlobalAveragePool', [x])]),
      (b, x) => b.add('ReduceMean', [x], { axes: ints([2, 3]), keepdims: int(0) }),
      (b, x) => b.add('Flatten', [b.add('AveragePool', [x], { kernel_shape: ints([8, 8]) })]),
    ];
    for (const pool of pools) {
      const path = save((b) => b.add('Softmax', [gemm(b, pool(b, body(b)), 4, 2, 'logits')]));
      expect(await found(path)).toEqual(['sum_relu', 'input', 'one_relu', 'sum', 'sum_relu']);
    }
  });

  it('three matrices after the flattened map, as in VGG', async () => {
    const path = save((b) => {
      const flat = b.add('Flatten', [body(b)]);
      return gemm(b, relu(b, gemm(b, relu(b, gemm(b, flat, 256, 8, 'a')), 8, 8, 'b')), 8, 2, 'c');
    });
    expect((await found(path))[0]).toBe('sum_relu');
    expect(await found(path, { features: 'b_relu' })).toEqual([
      'b_relu',
      'input',
      'one_relu',
      'sum',
      'sum_relu',
      'a_relu',
      'b_relu',
    ]);
  });

  it('one map per class, as in SqueezeNet', async () => {
    const path = save((b) => {
      const maps = relu(b, conv(b, body(b), 4, 10, 'classes', 1));
      return b.add('Softmax', [b.add('Flatten', [b.add('GlobalAveragePool', [maps])])]);
    });
    expect((await found(path))[0]).toBe('sum_relu');
  });

  it('squeeze and excitation, whose pooling is inside', async () => {
    const path = save((b) => {
      const x = body(b);
      const gate = b.add('Sigmoid', [
        b.add('Conv', [b.add('GlobalAveragePool', [x]), weight(b, [4, 4, 1, 1])], { kernel_shape: ints([1, 1]) }),
      ]);
      const gated = b.add('Mul', [x, gate], {}, { output: 'gated' });
      return gemm(b, b.add('Flatten', [b.add('GlobalAveragePool', [gated])]), 4, 2, 'logits');
    });
    expect(await found(path)).toEqual(['gated', 'input', 'one_relu', 'sum', 'sum_relu', 'gated']);
  });

  it('a network of matrix products after one convolution has the vector that the last one reads', async () => {
    const path = save((b) => {
      let x = b.add('Flatten', [conv(b, 'x', 3, 4, 'patches')]);
      for (let i = 0; i < 4; i++) x = relu(b, gemm(b, x, i === 0 ? 256 : 8, 8, `layer${i}`));
      return gemm(b, x, 8, 2, 'logits');
    });
    expect((await found(path))[0]).toBe('layer3_relu');
  });

  it('an output that is called features, pooled or not', async () => {
    const pooled = save((b) => b.add('Flatten', [b.add('GlobalAveragePool', [body(b)])], {}, { output: 'features' }));
    expect((await found(pooled))[0]).toBe('sum_relu');
    const projected = save((b) => gemm(b, b.add('Flatten', [b.add('GlobalAveragePool', [body(b)])]), 4, 3, 'features'));
    expect((await found(projected))[0]).toBe('features');
  });

  it('NHWC input, Constant nodes, Dropout, a fixed batch size', async () => {
    const path = save(
      (b) => {
        const image = b.add('Transpose', ['x'], { perm: ints([0, 3, 1, 2]) });
        const value = { kind: 'tensor', value: float32(randomWeight(1, [4, 3, 1, 1]).data, [4, 3, 1, 1]) } as const;
        const kernel = b.add('Constant', [], { value });
        const map = relu(b, b.add('Conv', [image, kernel], { kernel_shape: ints([1, 1]) }, { output: 'one' }));
        return gemm(b, b.add('Dropout', [b.add('Flatten', [b.add('GlobalMaxPool', [map])])]), 4, 2, 'logits');
      },
      [1, 16, 16, 3],
    );
    const backbone = await loadBackbone(path, unit);
    expect(backbone.input).toMatchObject({ layout: 'NHWC', size: 16 });
    expect(backbone.cuts.map((c) => [c.name, c.dims])).toEqual([
      ['input', [16, 16, 3]],
      ['one_relu', [4, 16, 16]],
    ]);
    expect(backbone.model.graph.inputs[0]?.dims).toEqual(['N', 16, 16, 3]);
  });

  it('reads its own record, at a free size', async () => {
    const path = save(
      (b) => gemm(b, b.add('Flatten', [b.add('GlobalAveragePool', [body(b)])]), 4, 2, 'y'),
      ['N', 3, 'H', 'W'],
    );
    const backbone = await loadBackbone(path, { normalisation: 'imagenet', size: 32 });
    expect(backbone.cuts.at(-1)?.dims).toEqual([4, 16, 16]);
    const own = join(folder, 'own.onnx');
    writeFileSync(own, encodeModel(withRecord(backbone)));
    const again = await loadBackbone(own);
    expect({ ...again, model: null }).toEqual({ ...backbone, model: null });
    expect((await loadBackbone(own, { features: 'one_relu' })).cuts.map((c) => c.name)).toEqual(['input', 'one_relu']);
    await expect(loadBackbone(own, { size: 64 })).rejects.toThrow('expected size 32');
  });

  it('normalisations are what they are called', async () => {
    const path = save((b) => gemm(b, b.add('Flatten', [b.add('GlobalAveragePool', [body(b)])]), 4, 2, 'y'));
    const at = async (normalisation: (typeof NORMALISATIONS)[number], v: number): Promise<number[]> => {
      const { input } = await loadBackbone(path, { normalisation });
      return input.scale.map((s, i) => v * s + input.offset[i]!);
    };
    expect(await at('unit', 255)).toEqual([1, 1, 1]);
    expect(await at('symmetric', 0)).toEqual([-1, -1, -1]);
    const white = await at('imagenet', 255);
    const expected = [(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225];
    for (const [i, v] of expected.entries()) expect(white[i]).toBeCloseTo(v, 9);
    // (128 / 255 − mean) / deviation of CLIP, as its own preprocessing computes it; red first.
    const grey = [0.0763, 0.1689, 0.3399].map((v) => expect.closeTo(v, 3));
    expect(await at('clip', 128)).toEqual(grey);
    expect(await at('caffe', 104)).toEqual([104 - 103.939, 104 - 116.779, 104 - 123.68]);
    expect((await loadBackbone(path, { normalisation: 'caffe' })).input.channels).toBe('BGR');
    expect(await at('raw', 200)).toEqual([200, 200, 200]);
  });
});

describe('what is no backbone', () => {
  const classifier = (b: GraphBuilder): string =>
    gemm(b, b.add('Flatten', [b.add('GlobalAveragePool', [body(b)])]), 4, 2, 'y');

  it.each<[string, () => Promise<unknown>, typeof ModelError | typeof UsageError, string]>([
    ['unknown name', () => loadBackbone('resnet51'), UsageError, 'expected one of resnet50, inception_v3,'],
    ['missing file', () => loadBackbone(join(folder, 'none.onnx')), UsageError, 'cannot be read: ENOENT'],
    ['no normalisation', () => loadBackbone(save(classifier)), UsageError, 'expected to know how pixels become'],
    [
      'free size',
      () => loadBackbone(save(classifier, ['N', 3, 'H', 'W']), unit),
      UsageError,
      'expected an input of fixed size',
    ],
    [
      'unknown tensor',
      () => loadBackbone(save(classifier), { ...unit, features: 'z' }),
      UsageError,
      'expected the name of a tensor as features, got z',
    ],
    [
      'grey images',
      () => loadBackbone(save(classifier, ['N', 1, 16, 16]), unit),
      ModelError,
      'got x float32 [N, 1, 16, 16]',
    ],
    [
      'not square',
      () => loadBackbone(save(classifier, ['N', 3, 16, 8]), unit),
      ModelError,
      'expected a square input, got 16 × 8',
    ],
    [
      'a batch that cannot grow',
      () =>
        loadBackbone(
          save((b) => gemm(b, b.add('Reshape', [body(b), b.ints([1, 256])]), 256, 2, 'y'), [1, 3, 16, 16]),
          { ...unit, features: 'y' },
        ),
      ModelError,
      'got a tensor without a free batch',
    ],
  ])('%s', async (_, run, kind, message) => {
    const failure = run();
    await expect(failure).rejects.toThrow(kind);
    await expect(failure).rejects.toThrow(message);
  });

  it('a file that is no ONNX model', async () => {
    const path = join(folder, 'text.onnx');
    writeFileSync(path, 'not a model');
    await expect(loadBackbone(path)).rejects.toThrow(ModelError);
  });
});
