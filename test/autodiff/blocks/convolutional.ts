/** Blocks of convolutional networks, NCHW. */
import { float, int, ints, scalar } from '../../../src/onnx/model.ts';
import { type Block, INPUT, type Layers, layers } from './layers.ts';

/** ConvNeXt: one 7 × 7 filter per channel, LayerNorm over channels (last), MLP with Gelu, layer scale, shortcut. */
export function convnext(seed: number): Block {
  const net = layers(seed);
  const { op, weight, conv, linear, layerNorm, gelu, transpose } = net;
  const width = 16;
  const spatial = conv(INPUT, 'depthwise', [width, width], 7, { pad: 3, groups: width });
  const normed = layerNorm(transpose(spatial, [0, 2, 3, 1]), 'norm', width);
  const mlp = linear(gelu(linear(normed, 'mlp1', width, 4 * width)), 'mlp2', 4 * width, width);
  const scaled = op('Mul', [mlp, weight('scale', [width], -0.5, 0.5)]);
  return net.finish(op('Add', [INPUT, transpose(scaled, [0, 3, 1, 2])]), [2, width, 9, 9], [2, width, 9, 9]);
}

/** Squeeze and excite as EfficientNet has it (Swish, Sigmoid), or as MobileNetV3 has it (HardSwish, Relu, HardSigmoid). */
export function squeezeExcite(seed: number, kind: 'swish' | 'hard'): Block {
  const net = layers(seed);
  const { op, conv } = net;
  const swish = (x: string): string => (kind === 'swish' ? op('Mul', [x, op('Sigmoid', [x])]) : op('HardSwish', [x]));
  const y = swish(conv(INPUT, 'before', [6, 16], 3, { pad: 1 }));
  const reduced = conv(op('GlobalAveragePool', [y]), 'reduce', [16, 4], 1);
  const inner = conv(kind === 'swish' ? swish(reduced) : op('Relu', [reduced]), 'restore', [4, 16], 1);
  const gate =
    kind === 'swish' ? op('Sigmoid', [inner]) : op('HardSigmoid', [inner], { alpha: float(1 / 6), beta: float(0.5) });
  const last = conv(op('Mul', [y, gate]), 'after', [16, 8], 1);
  return net.finish(last, [3, 6, 7, 7], [3, 8, 7, 7]);
}

/** DenseNet: every layer sees all before it; then the transition that halves the image. */
export function dense(seed: number): Block {
  const net = layers(seed);
  const { b, op, conv, batchNorm } = net;
  const all = [INPUT];
  for (let i = 0; i < 3; i++) {
    const from = 8 + 4 * i;
    const x = i === 0 ? INPUT : b.add('Concat', [...all], { axis: int(1) });
    const narrow = conv(op('Relu', [batchNorm(x, `bn${i}a`, from)]), `conv${i}a`, [from, 16], 1, { bias: false });
    all.push(conv(op('Relu', [batchNorm(narrow, `bn${i}b`, 16)]), `conv${i}b`, [16, 4], 3, { pad: 1, bias: false }));
  }
  const x = op('Relu', [batchNorm(b.add('Concat', [...all], { axis: int(1) }), 'bn', 20)]);
  const pooled = b.add('AveragePool', [conv(x, 'transition', [20, 10], 1, { bias: false })], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
  });
  return net.finish(pooled, [2, 8, 8, 8], [2, 10, 4, 4]);
}

/** MobileNetV2, twice: with stride 2, then with a shortcut. Moments are those of the batch. */
export function inverted(seed: number): Block {
  const net = layers(seed);
  const first = unit(net, INPUT, 'first', [8, 24, 12], 2);
  const second = unit(net, first, 'second', [12, 36, 12], 1);
  return net.finish(net.op('Add', [first, second]), [3, 8, 10, 10], [3, 12, 5, 5]);
}

function unit(
  net: Layers,
  x: string,
  name: string,
  [from, wide, to]: readonly [number, number, number],
  stride: number,
): string {
  const { b, op, conv, batchNorm } = net;
  const relu6 = (t: string): string => op('Clip', [t, b.constant(scalar(0)), b.constant(scalar(6))]);
  const bare = { bias: false };
  const expanded = relu6(batchNorm(conv(x, `${name}/expand`, [from, wide], 1, bare), `${name}/bn1`, wide, true));
  const filtered = conv(expanded, `${name}/depthwise`, [wide, wide], 3, { stride, pad: 1, groups: wide, bias: false });
  const projected = conv(relu6(batchNorm(filtered, `${name}/bn2`, wide, true)), `${name}/project`, [wide, to], 1, bare);
  return batchNorm(projected, `${name}/bn3`, to, true);
}
