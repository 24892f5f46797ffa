/** ResNet50: He et al. 2015, arXiv:1512.03385, with the stride in the first convolution of a block. */
import type { KerasNetwork } from './writer.ts';
import { networkWriter } from './writer.ts';

/** Blocks and width of each stage. */
const STAGES = [
  [3, 64],
  [4, 128],
  [6, 256],
  [3, 512],
] as const;

export interface ResNetOptions {
  readonly epsilon: number;
  /** Whether the map is padded before the first pooling. Keras did not until 2019. */
  readonly padPool: boolean;
}

/** Layers are named as since Keras 2.3. */
export function resnet50(size: number, { epsilon, padPool }: ResNetOptions): KerasNetwork {
  const n = networkWriter(size);
  const convNorm = (name: string, from: string, filters: number, kernel: number, strides: number): string => {
    const y = n.conv(`${name}_conv`, from, filters, kernel, { strides, padding: kernel === 3 ? 'same' : 'valid' });
    return n.norm(`${name}_bn`, y, { epsilon });
  };
  const block = (name: string, x: string, width: number, strides: number, first: boolean): string => {
    const shortcut = first ? convNorm(`${name}_0`, x, 4 * width, 1, strides) : x;
    let y = n.relu(`${name}_1_relu`, convNorm(`${name}_1`, x, width, 1, strides));
    y = n.relu(`${name}_2_relu`, convNorm(`${name}_2`, y, width, 3, 1));
    y = convNorm(`${name}_3`, y, 4 * width, 1, 1);
    return n.relu(`${name}_out`, n.add(`${name}_add`, [shortcut, y]));
  };

  let x = convNorm('conv1', n.pad('conv1_pad', n.input, 3), 64, 7, 2);
  x = n.relu('conv1_relu', x);
  if (padPool) x = n.pad('pool1_pad', x, 1);
  x = n.maxPool('pool1_pool', x, 3, 2);
  STAGES.forEach(([blocks, width], stage) => {
    for (let i = 0; i < blocks; i++)
      x = block(`conv${stage + 2}_block${i + 1}`, x, width, stage > 0 && i === 0 ? 2 : 1, i === 0);
  });
  return n.network(x);
}

/** The same layers as Keras called them until 2.2: `conv4_block2_3_bn` was `bn4b_branch2c`. */
export function earlierName(layer: string): string {
  const [, stage, block, place, kind] = /^conv(\d)_block(\d)_(\d)_(conv|bn)$/.exec(layer) ?? [];
  if (place === undefined) return layer === 'conv1_conv' ? 'conv1' : layer === 'conv1_bn' ? 'bn_conv1' : layer;
  const branch = place === '0' ? '1' : `2${letter(Number(place))}`;
  return `${kind === 'conv' ? 'res' : 'bn'}${stage}${letter(Number(block))}_branch${branch}`;
}

/** 1 → a. */
const letter = (n: number): string => String.fromCharCode(96 + n);
