import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { inceptionV3 } from '../../src/backbone/importers/keras/applications/inception-v3.ts';
import { APPLICATION_NAMES, APPLICATIONS } from '../../src/backbone/importers/keras/applications/table.ts';
import { layerOrder } from '../../src/backbone/importers/keras/layer-order.ts';
import { recognise } from '../../src/backbone/importers/keras/recognise.ts';
import type { StoredLayer } from '../../src/backbone/importers/keras/stored.ts';
import type { KerasFileOptions } from '../../src/backbone/importers/keras/to-backbone.ts';
import { readNetwork } from '../../src/backbone/importers/keras/topology.ts';
import { importKerasH5, storedToBackbone } from '../../src/backbone/importers/keras-h5.ts';
import { importLayersModel } from '../../src/backbone/importers/keras-layers-model.ts';
import { pixelsOf } from '../../src/backbone/normalisation.ts';
import type { Backbone } from '../../src/backbone/types.ts';
import { ModelError, UsageError } from '../../src/core/errors.ts';
import { formulaValues } from '../autodiff/golden-values.ts';
import { SHARED } from '../shared.ts';
import { kerasGolden, storedLayers } from './keras-golden.ts';
import { expectClose, meanOverImage, preprocess, runTensors } from './run.ts';

const MODEL = fileURLToPath(new URL('../golden/keras_h5/model.h5', import.meta.url));
const SQUEEZENET = join(SHARED, 'weights/squeezenet_1.1_keras_notop.h5');

const folder = mkdtempSync(join(tmpdir(), 'nevus-keras-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FILE = { path: 'weights.h5', sha256: '' };
const load = (layers: readonly StoredLayer[], options: KerasFileOptions = {}): Backbone =>
  storedToBackbone({ layers, network: undefined }, FILE, options);
const renamed = (layers: readonly StoredLayer[], rename: (name: string) => string): StoredLayer[] =>
  layers.map((layer) => ({ ...layer, name: rename(layer.name) }));
/** The file's layers that are taken for those of the network, in the network's order. */
function foundIn(layers: readonly StoredLayer[]): (string | undefined)[] {
  const { name, matching } = recognise(layers, 'weights.h5');
  return kerasGolden(name).layers.map(([layer]) => matching.layers.get(layer)?.name);
}
const valuesOf = (backbone: Backbone, name: string): readonly number[] =>
  Array.from(backbone.model.graph.initializers.get(name)!.data.slice(0, 8), Number);

/** Weights of the right shapes, all one number: quick to make. */
function layersOf(name: string): StoredLayer[] {
  return kerasGolden(name).layers.map(([layer, weights], i) => ({
    name: layer,
    nested: false,
    weights: weights.map(([weight, dims]) => ({
      name: `${layer}/${weight}:0`,
      dims,
      read: () => new Float32Array(dims.reduce((p, d) => p * d, 1)).fill(i),
    })),
  }));
}

const head: StoredLayer = {
  name: 'predictions',
  nested: false,
  weights: [{ name: 'predictions/kernel:0', dims: [9, 9], read: () => expect.unreachable('the head is not read') }],
};

describe('weights of a known architecture', () => {
  it.each(APPLICATION_NAMES.filter((name) => name !== 'squeezenet'))(
    '%s is recognised, with and without a head',
    (name) => {
      const layers = layersOf(name);
      const { size, normalisation, features } = APPLICATIONS[name];
      const backbone = load([...layers, head], { licence: 'own' });
      expect(backbone).toMatchObject({
        name,
        features,
        licence: 'own',
        input: { size, layout: 'NCHW', ...pixelsOf(normalisation) },
      });
      expect(backbone.cuts[0]).toEqual({ name: 'input', tensor: 'input', dims: [3, size, size] });
      expect(backbone.cuts.at(-1)?.tensor).toBe(features);
      expect(new Set(backbone.cuts.map((c) => c.name)).size).toBe(backbone.cuts.length);
      expect(foundIn(layers)).toEqual(foundIn([...layers, head]));
    },
  );

  it('ResNet50 as Keras 2.2 named it, with its epsilon and without padding before the pooling', async () => {
    const golden = kerasGolden('resnet50_early');
    const { seed, size } = golden;
    const backbone = load(storedLayers(golden), { size });
    const image = formulaValues('image', seed, [2, 3, size, size], -1.5, 1.5);
    const { features } = backbone;
    const got = (await runTensors(backbone, backbone.model, image, [features]))[features]!;
    expect(got.dims).toEqual([2, ...golden.dims]);
    expectClose(
      meanOverImage(got).filter((_, i) => i % 8 === 0),
      golden.features.flat(),
      1e-4,
    );
    // Later versions of 2.2 padded, and list the layer that does.
    const pad: StoredLayer = { name: 'pool1_pad', weights: [], nested: false };
    const layersIn = (layers: readonly StoredLayer[]): string[] =>
      readNetwork('Functional', recognise(layers, '').network.config, '').layers.map((layer) => layer.name);
    expect(layersIn([...layersOf('resnet50_early'), pad])).toContain('pool1_pad');
    expect(layersIn(layersOf('resnet50_early'))).not.toContain('pool1_pad');
  });

  it.each(['inception_v3', 'xception'])('%s, whatever numbers Keras gave', (name) => {
    const layers = layersOf(name);
    const shift = (by: number) => (layer: string) =>
      layer.replace(/^(conv2d|batch_normalization)_(\d+)$/, (_, kind, n) =>
        Number(n) + by === 0 ? kind : `${kind}_${Number(n) + by}`,
      );
    for (const rename of [
      shift(-1),
      shift(94),
      (layer: string) => layer.replace('conv2d', 'convolution2d').replace('batch_normalization', 'batchnormalization'),
    ])
      expect(foundIn([...renamed(layers, rename), head])).toEqual(renamed(layers, rename).map((layer) => layer.name));
  });

  it('InceptionV3 as a layer of another network, of which a part is frozen', () => {
    const layers = layersOf('inception_v3').map((layer) => ({ ...layer, nested: true }));
    const frozen = [...layers.slice(100), ...layers.slice(0, 100)];
    expect(foundIn(frozen)).toEqual(layers.map((layer) => layer.name));
  });

  it('lists layers in the order of Keras', () => {
    const { config } = inceptionV3(299);
    const order = layerOrder(readNetwork('Functional', config, 'inception_v3'));
    const weighted = new Set(kerasGolden('inception_v3').layers.map(([name]) => name));
    expect(order.filter((name) => weighted.has(name))).toEqual(
      kerasGolden('inception_v3').layers.map(([name]) => name),
    );
  });

  it('takes features from any layer or cut', () => {
    const layers = layersOf('mobilenet_v2');
    const sized = load(layers, { architecture: 'mobilenet_v2', size: 96, name: 'mine' });
    expect(sized).toMatchObject({ name: 'mine', input: { size: 96 } });
    expect(load(layers, { features: 'block_5' }).features).toBe('block_5_add');
    expect(load(layers, { features: 'block_5_expand_relu' }).features).toBe('block_5_expand_relu');
    expect(() => load(layers, { features: 'nowhere' })).toThrow('expected a cut among input, stem');
  });
});

describe('what is refused', () => {
  const vgg = layersOf('vgg16');
  const without = (name: string): StoredLayer[] => vgg.filter((layer) => layer.name !== name);
  const other = (name: string): StoredLayer => ({ name, nested: false, weights: vgg[0]!.weights });
  it.each<[string, () => unknown, string]>([
    [
      'an unknown architecture',
      () => load(vgg, { architecture: 'alexnet' }),
      'architecture: expected one of resnet50, xception',
    ],
    [
      'another architecture than asked for',
      () => load(vgg, { architecture: 'vgg19' }),
      'weights.h5: expected the layers of vgg19, got others; nearest is vgg19, without block3_conv4, block4_conv4, block5_conv4',
    ],
    ['a missing layer', () => load(without('block2_conv1')), 'nearest is vgg16, without block2_conv1'],
    [
      'a layer too many',
      () => load([vgg[0]!, other('extra'), ...vgg.slice(1)]),
      'nearest is vgg16, with extra besides',
    ],
    [
      'a layer without its bias',
      () => load([{ ...vgg[0]!, weights: vgg[0]!.weights.slice(1) }, ...vgg.slice(1)]),
      'nearest is vgg16, without block1_conv1',
    ],
    [
      'another shape',
      () => load([vgg[0]!, { ...vgg[1]!, weights: vgg[2]!.weights }, ...vgg.slice(2)]),
      'layer block1_conv2 (Conv2D): expected weight block1_conv2/kernel [3, 3, 64, 64], got [3, 3, 64, 128], which is block2_conv1/kernel:0 of the file',
    ],
    ['no layers', () => load([]), 'weights.h5: expected the layers of resnet50, xception, vgg16'],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});

describe('a whole model', () => {
  const expected: number[] = JSON.parse(readFileSync(MODEL.replace(/h5$/, 'json'), 'utf8'));
  const image = formulaValues('image', 1, [2, 3, 12, 12], -1, 1);

  it('from HDF5, with a network as a layer, computes what PyTorch computes', async () => {
    const backbone = await importKerasH5(MODEL, { normalisation: 'unit' });
    expect(backbone).toMatchObject({
      name: 'model',
      features: 'point',
      licence: 'not stated in the file',
      input: { name: 'image', size: 12 },
    });
    expect(backbone.model.graph.initializers.has('classes/kernel')).toBe(false);
    const got = await runTensors(backbone, backbone.model, image, ['point']);
    expectClose(meanOverImage(got.point!), expected, 1e-5);
  });

  it('never guesses the normalisation', async () => {
    await expect(importKerasH5(MODEL)).rejects.toThrow(UsageError);
    await expect(importKerasH5(MODEL)).rejects.toThrow("expected to know how pixels become the network's input");
    await expect(importKerasH5(MODEL, { architecture: 'nothing' })).rejects.toThrow('architecture: expected one of');
  });

  /** A layers model of one convolution, whose weights are two files of `model`'s folder. */
  function layersModel(name: string, change: Record<string, unknown> = {}): string {
    const place = join(folder, name);
    mkdirSync(place);
    const layers = [
      { class_name: 'InputLayer', name: 'image', config: { batch_input_shape: [null, 4, 4, 3] }, inbound_nodes: [] },
      {
        class_name: 'Conv2D',
        name: 'a/b',
        config: { filters: 1, kernel_size: 1 },
        inbound_nodes: [[['image', 0, 0, {}]]],
      },
      {
        class_name: 'Conv2D',
        name: 'c/b',
        config: { filters: 2, kernel_size: 1 },
        inbound_nodes: [[['a/b', 0, 0, {}]]],
      },
    ];
    const config = { name: 'm', layers, input_layers: [['image', 0, 0]], output_layers: [['c/b', 0, 0]] };
    const entry = (name: string, shape: number[], quantization?: object) => ({
      name,
      shape,
      dtype: 'float32',
      ...(quantization && { quantization }),
    });
    const weights = [
      entry('a/b/kernel', [1, 1, 3, 1], { dtype: 'uint8', min: -1, scale: 0.5 }),
      entry('a/b/bias', [1], { dtype: 'uint8', min: 0, scale: 1 }),
      entry('c/b/kernel', [1, 1, 1, 2]),
      entry('c/b/bias', [2], { dtype: 'uint16', min: 0, scale: 2 }),
    ];
    writeFileSync(
      join(place, 'one.bin'),
      Uint8Array.of(0, 1, 2, 7, ...new Uint8Array(Float32Array.of(1.5, -1).buffer)),
    );
    writeFileSync(join(place, 'two.bin'), new Uint8Array(Uint16Array.of(3, 300).buffer));
    const json = {
      format: 'layers-model',
      modelTopology: { model_config: { class_name: 'Functional', config } },
      weightsManifest: [{ paths: ['one.bin', 'two.bin'], weights }],
      ...change,
    };
    writeFileSync(join(place, 'model.json'), JSON.stringify(json));
    return join(place, 'model.json');
  }

  it('from a model.json and its weight files', async () => {
    const backbone = await importLayersModel(layersModel('plain'), {
      normalisation: 'symmetric',
      name: 'mine',
      licence: 'MIT',
    });
    expect(backbone).toMatchObject({ name: 'mine', licence: 'MIT', features: 'c/b' });
    expect(valuesOf(backbone, 'a/b/kernel')).toEqual([-1, -0.5, 0]);
    expect(valuesOf(backbone, 'a/b/bias')).toEqual([7]);
    expect(valuesOf(backbone, 'c/b/kernel')).toEqual([1.5, -1]);
    expect(valuesOf(backbone, 'c/b/bias')).toEqual([6, 600]);
    await expect(importLayersModel(join(folder, 'plain', 'model.json'))).rejects.toThrow('expected to know how pixels');
  });

  it.each<[string, string | Record<string, unknown>, string]>([
    ['a graph model', { format: 'graph-model' }, 'expected a layers model, got a graph model'],
    [
      'a weight file that is missing',
      { weightsManifest: [{ paths: ['three.bin'], weights: [] }] },
      'three.bin: cannot be read: ENOENT',
    ],
    [
      'a weight file elsewhere',
      { weightsManifest: [{ paths: ['../one.bin'], weights: [] }] },
      'expected weight files in its own folder, got ../one.bin',
    ],
    ['no topology', { modelTopology: undefined }, 'modelTopology'],
  ])('is refused: %s', async (name, change, message) => {
    const path = layersModel(name.replaceAll(' ', '_'), typeof change === 'string' ? {} : change);
    await expect(importLayersModel(path, { normalisation: 'unit' })).rejects.toThrow(message);
  });

  it('is refused: text that is no JSON', async () => {
    writeFileSync(join(folder, 'text.json'), 'hello');
    await expect(importLayersModel(join(folder, 'text.json'))).rejects.toThrow(ModelError);
    await expect(importLayersModel(join(folder, 'none.json'))).rejects.toThrow(UsageError);
  });
});

describe('SqueezeNet 1.1', () => {
  it.skipIf(!existsSync(SQUEEZENET))('has 722,496 parameters and the features of PyTorch', async () => {
    const backbone = await importKerasH5(SQUEEZENET);
    expect(backbone).toMatchObject({ name: 'squeezenet', licence: 'MIT', input: { size: 227, channels: 'BGR' } });
    expect(backbone.cuts.map((c) => c.name)).toContain('fire5');
    let parameters = 0;
    for (const { data } of backbone.model.graph.initializers.values()) parameters += data.length;
    expect(parameters).toBe(722_496);
    const { features } = kerasGolden('squeezenet');
    const pixels = Uint8Array.from({ length: 227 * 227 * 3 }, (_, i) => {
      const [y, x, c] = [Math.floor(i / 681), Math.floor(i / 3) % 227, i % 3];
      return (y * 3 + x * 5 + c * 67 + Math.floor((y * x) / 7)) % 256;
    });
    const got = await runTensors(backbone, backbone.model, preprocess(backbone.input, pixels, 1), [backbone.features]);
    expectClose(meanOverImage(got[backbone.features]!), features.flat(), 1e-4);
  });
});
