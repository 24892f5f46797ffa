/** MobileNetV2 of width 1: Sandler et al. 2018, arXiv:1801.04381. */
import { type KerasNetwork, networkWriter } from './writer.ts';

/** Channels, number of blocks, and stride of the first of them. The first block of all does not expand. */
const GROUPS = [
  [16, 1, 1],
  [24, 2, 2],
  [32, 3, 2],
  [64, 4, 2],
  [96, 3, 1],
  [160, 3, 2],
  [320, 1, 1],
] as const;
const EXPANSION = 6;

export function mobilenetV2(size: number): KerasNetwork {
  const n = networkWriter(size);
  const plain = { padding: 'same', bias: false } as const;
  const block = (index: number, x: string, from: number, to: number, strides: number): string => {
    const name = index === 0 ? 'expanded_conv' : `block_${index}`;
    let y = x;
    if (index > 0) {
      y = n.norm(`${name}_expand_BN`, n.conv(`${name}_expand`, y, EXPANSION * from, 1, plain));
      y = n.relu(`${name}_expand_relu`, y, 6);
    }
    y = n.norm(`${name}_depthwise_BN`, n.depthwise(`${name}_depthwise`, y, 3, { ...plain, strides }));
    y = n.relu(`${name}_depthwise_relu`, y, 6);
    y = n.norm(`${name}_project_BN`, n.conv(`${name}_project`, y, to, 1, plain));
    return from === to && strides === 1 ? n.add(`${name}_add`, [x, y]) : y;
  };

  let x = n.norm('bn_Conv1', n.conv('Conv1', n.input, 32, 3, { ...plain, strides: 2 }));
  x = n.relu('Conv1_relu', x, 6);
  let channels = 32;
  let index = 0;
  for (const [width, count, strides] of GROUPS)
    for (let i = 0; i < count; i++) {
      x = block(index, x, channels, width, i === 0 ? strides : 1);
      channels = width;
      index++;
    }
  x = n.norm('Conv_1_bn', n.conv('Conv_1', x, 1280, 1, plain));
  return n.network(n.relu('out_relu', x, 6));
}
