/** Xception: Chollet 2016, arXiv:1610.02357. */
import { type KerasNetwork, networkWriter } from './writer.ts';

/** Blocks that halve the map: their number and the widths of their two separable convolutions. */
const ENTRY = [
  [2, 128, 128],
  [3, 256, 256],
  [4, 728, 728],
] as const;
const EXIT = [13, 728, 1024] as const;

export function xception(size: number): KerasNetwork {
  const n = networkWriter(size);
  const unit = (name: string, x: string, filters: number): string => {
    const y = n.separable(name, x, filters, 3, { padding: 'same', bias: false });
    return n.norm(`${name}_bn`, y);
  };
  const halving = ([index, first, second]: readonly [number, number, number], x: string): string => {
    const block = `block${index}`;
    const shortcut = n.conv(undefined, x, second, 1, { strides: 2, padding: 'same', bias: false });
    const residual = n.norm(undefined, shortcut);
    // What enters block 2 was rectified before.
    let y = index === 2 ? x : n.relu(`${block}_sepconv1_act`, x);
    y = unit(`${block}_sepconv1`, y, first);
    y = unit(`${block}_sepconv2`, n.relu(`${block}_sepconv2_act`, y), second);
    y = n.maxPool(`${block}_pool`, y, 3, 2, { padding: 'same' });
    return n.add(undefined, [y, residual]);
  };

  let x = n.input;
  for (const [name, filters, strides] of [
    ['block1_conv1', 32, 2],
    ['block1_conv2', 64, 1],
  ] as const) {
    x = n.norm(`${name}_bn`, n.conv(name, x, filters, 3, { strides, bias: false }));
    x = n.relu(`${name}_act`, x);
  }
  for (const block of ENTRY) x = halving(block, x);
  for (let i = 5; i <= 12; i++) {
    let y = x;
    for (let k = 1; k <= 3; k++) y = unit(`block${i}_sepconv${k}`, n.relu(`block${i}_sepconv${k}_act`, y), 728);
    x = n.add(undefined, [y, x]);
  }
  x = halving(EXIT, x);
  x = n.relu('block14_sepconv1_act', unit('block14_sepconv1', x, 1536));
  x = n.relu('block14_sepconv2_act', unit('block14_sepconv2', x, 2048));
  return n.network(x);
}
