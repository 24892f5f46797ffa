import { writeFileSync } from 'node:fs';
import { withRecord } from '../../../src/backbone/record.ts';
import type { CutPoint } from '../../../src/backbone/types.ts';
import { rngOf } from '../../../src/core/rng.ts';
import { graphBuilder } from '../../../src/onnx/builder.ts';
import { float32, ints } from '../../../src/onnx/model.ts';
import { encodeModel } from '../../../src/onnx/protobuf.ts';

const SIZE = 48;
const CHANNELS = [3, 8, 12, 16];

/** A network of three convolutions with random weights, as a file that says how it wants its pixels. Trains in a moment. */
export function writeTinyBackbone(path: string): void {
  const b = graphBuilder();
  const cuts: CutPoint[] = [{ name: 'input', tensor: 'pixels', dims: [3, SIZE, SIZE] }];
  let x = 'pixels';
  for (let k = 1; k < CHANNELS.length; k++) {
    const [from, to] = [CHANNELS[k - 1]!, CHANNELS[k]!];
    const side = SIZE / 2 ** k;
    const rng = rngOf(k, 'weights');
    const kernel = Float32Array.from({ length: to * from * 9 }, () => rng.normal() * Math.sqrt(2 / (9 * from)));
    const constant = (name: string, value: number): string =>
      b.constant(float32(new Float32Array(to).fill(value), [to]), `block_${k}/${name}`);
    const convolved = b.add(
      'Conv',
      [x, b.constant(float32(kernel, [to, from, 3, 3]), `block_${k}/kernel`)],
      { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) },
      { name: `block_${k}/conv` },
    );
    const normalised = b.add('BatchNormalization', [
      convolved,
      constant('gamma', 1),
      constant('beta', 0.1),
      constant('mean', 0),
      constant('variance', 1),
    ]);
    x = b.add('Relu', [normalised], {}, { name: `block_${k}/relu`, output: `block_${k}` });
    cuts.push({ name: `block_${k}`, tensor: x, dims: [to, side, side] });
  }
  const { dims } = cuts.at(-1)!;
  const model = {
    graph: b.graph(
      [{ name: 'pixels', dtype: 'float32', dims: ['N', 3, SIZE, SIZE] }],
      [{ name: x, dtype: 'float32', dims: ['N', ...dims] }],
    ),
    opset: 18,
    domains: {},
    irVersion: 8,
    producer: 'test',
    metadata: {},
  } as const;
  const record = withRecord({
    name: 'tiny',
    model,
    input: {
      name: 'pixels',
      size: SIZE,
      layout: 'NCHW',
      channels: 'RGB',
      scale: [1 / 127.5, 1 / 127.5, 1 / 127.5],
      offset: [-1, -1, -1],
    },
    features: x,
    cuts,
    licence: 'MIT',
    origin: 'random numbers, made for tests',
    sha256: '0'.repeat(64),
  });
  writeFileSync(path, encodeModel(record));
}

/** Settings under which a run with it takes a second and goes through both phases. */
export const TINY_CONFIG = `
backbone: { name: tiny.onnx }
cut: block_1
views: 2
threads: 1
headPhase: { epochs: 3 }
fineTune: { epochs: 3, schedule: progressive, unfreeze: block, batch: 8, reduce: { patience: 1 } }
`;
