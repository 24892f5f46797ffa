/** A tail of three convolutions on 8 × 8 maps, and remembered features that a network can learn from. */
import { rngOf } from '../../src/core/rng.ts';
import type { Example, Split } from '../../src/dataset/types.ts';
import type { FeatureStore } from '../../src/features/store.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float, float32, ints, sizeOf, type Tensor } from '../../src/onnx/model.ts';
import type { Tail } from '../../src/train/network.ts';
import type { PreparedData } from '../../src/train/prepare.ts';
import type { StoredRows } from '../../src/train/rows.ts';

export const LABELS = ['a', 'b', 'c'];
const CUT_DIMS = [4, 8, 8];
/** Channels of the last map. */
export const WIDTH = 6;

/** Weights of each layer, from the top. */
export const LAYERS: readonly (readonly string[])[] = [
  ['three/kernel', 'three/gamma', 'three/beta'],
  ['two/kernel', 'two/bias'],
  ['one/kernel', 'one/gamma', 'one/beta'],
];

export function random(name: string, dims: readonly number[], low = -1, high = 1): Tensor {
  const rng = rngOf(5, name);
  return float32(
    Float32Array.from({ length: sizeOf(dims) }, () => rng.uniform(low, high)),
    dims,
  );
}

/** conv 3 × 3, norm, relu → conv 3 × 3 with bias, relu → conv 1 × 1, norm, relu */
export function tinyTail(): Tail {
  const b = graphBuilder();
  const weight = (name: string, dims: readonly number[], low?: number, high?: number): string =>
    b.constant(random(name, dims, low, high), name);
  const norm = (x: string, name: string, n: number): string =>
    b.add(
      'BatchNormalization',
      [
        x,
        weight(`${name}/gamma`, [n], 0.5, 1.5),
        weight(`${name}/beta`, [n], -0.1, 0.5),
        weight(`${name}/mean`, [n], -0.3, 0.3),
        weight(`${name}/variance`, [n], 0.5, 1.5),
      ],
      { epsilon: float(1e-3) },
      { name: `${name}/norm` },
    );
  const pads = ints([1, 1, 1, 1]);
  const conv1 = b.add('Conv', ['cut', weight('one/kernel', [8, 4, 3, 3], -0.3, 0.3)], { pads }, { name: 'one' });
  const relu1 = b.add('Relu', [norm(conv1, 'one', 8)]);
  const kernel2 = weight('two/kernel', [8, 8, 3, 3], -0.2, 0.2);
  const conv2 = b.add('Conv', [relu1, kernel2, weight('two/bias', [8], -0.1, 0.4)], { pads }, { name: 'two' });
  const relu2 = b.add('Relu', [conv2]);
  const conv3 = b.add('Conv', [relu2, weight('three/kernel', [WIDTH, 8, 1, 1], -0.5, 0.5)], {}, { name: 'three' });
  b.add('Relu', [norm(conv3, 'three', WIDTH)], {}, { output: 'features' });
  const graph = b.graph(
    [{ name: 'cut', dtype: 'float32', dims: ['N', ...CUT_DIMS] }],
    [{ name: 'features', dtype: 'float32', dims: ['N', WIDTH, 8, 8] }],
  );
  return { graph, cut: 'cut', features: 'features', cutDims: CUT_DIMS, featureDims: [WIDTH, 8, 8], stored: 'float32' };
}

/** The tail's weights that can thaw. */
export function tailWeights({ graph }: Tail): Map<string, Tensor> {
  return new Map(LAYERS.flat().map((name) => [name, graph!.initializers.get(name)!]));
}

/** Class t has a stripe at row 2t of channel t, under noise. */
function features(row: number, view: number, target: number): Float32Array {
  const rng = rngOf(11, 'features', row, view);
  return Float32Array.from({ length: sizeOf(CUT_DIMS) }, (_, i) => {
    const [channel, y] = [Math.floor(i / 64), Math.floor(i / 8) % 8];
    return rng.uniform(-0.5, 0.5) + (channel === target && y === 2 * target ? 1.5 : 0);
  });
}

/** `train` rows with `views` views and `val` rows with one, classes in turn. */
export function tinyData({ train = 24, val = 12, views = 2 } = {}): { data: PreparedData; stored: StoredRows } {
  const records: Float32Array[] = [];
  const places: number[][] = [];
  const rows = Array.from({ length: train + val }, (_, i) => {
    const target = i % LABELS.length;
    const split: Split = i < train ? 'train' : 'val';
    places.push(
      Array.from({ length: split === 'train' ? views : 1 }, (_, view) => records.push(features(i, view, target)) - 1),
    );
    const id = `row ${i}`;
    const example: Example = { id, path: `/${id}.png`, label: LABELS[target]!, attributes: {} };
    return { example, sha256: id, target, split };
  });
  const data: PreparedData = {
    root: '/',
    format: 'csv',
    labels: LABELS,
    taxonomy: undefined,
    rows,
    problems: [],
    hash: 'hash',
  };
  return { data, stored: { store: memoryStore(records), dtype: 'float32', dims: CUT_DIMS, places } };
}

function memoryStore(records: readonly Float32Array[]): FeatureStore {
  return {
    recordBytes: sizeOf(CUT_DIMS) * 4,
    size: records.length,
    find: () => undefined,
    read: (place, into) => {
      const { buffer, byteLength } = records[place]!;
      into.set(new Uint8Array(buffer, 0, byteLength));
    },
    append: () => {
      throw new Error('memoryStore: read only');
    },
    close: () => undefined,
  };
}
