import type { Architecture, Built } from './architecture.ts';
import { batchNorm, conv, hasClassifier, linear, weightsOf } from './layers.ts';
import type { Net, Value } from './net.ts';
import { activate, add, globalPool, maxPool } from './operations.ts';
import { countUnder, type StateDict } from './state-dict.ts';

/** Blocks per stage, convolutions per block, groups and width of the first block's second convolution. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['2,2,2,2 × 2, 1 × 64', 'resnet18'],
  ['3,4,6,3 × 2, 1 × 64', 'resnet34'],
  ['3,4,6,3 × 3, 1 × 64', 'resnet50'],
  ['3,4,23,3 × 3, 1 × 64', 'resnet101'],
  ['3,8,36,3 × 3, 1 × 64', 'resnet152'],
  ['3,4,6,3 × 3, 32 × 4', 'resnext50_32x4d'],
  ['3,4,23,3 × 3, 32 × 8', 'resnext101_32x8d'],
  ['3,4,23,3 × 3, 64 × 4', 'resnext101_64x4d'],
  ['3,4,6,3 × 3, 1 × 128', 'wide_resnet50_2'],
  ['3,4,23,3 × 3, 1 × 128', 'wide_resnet101_2'],
]);

const STAGES = [1, 2, 3, 4];

/**
 * Residual networks: He et al. 2015, arXiv:1512.03385, with the stride in the 3 × 3 convolution; grouped, Xie et al.
 * 2016, arXiv:1611.05431; wide, Zagoruyko and Komodakis 2016, arXiv:1605.07146.
 */
export const resnet: Architecture = {
  family: 'resnet',
  recognises: (state) => state.has('conv1.weight') && state.has('layer1.0.conv1.weight'),
  identify: (state) => {
    const depths = STAGES.map((stage) => countUnder(state, `layer${stage}.`));
    const { groups, width } = grouping(state);
    const key = `${depths.join()} × ${isBottleneck(state) ? 3 : 2}, ${groups} × ${width}`;
    return { name: NAMES.get(key) ?? 'resnet', size: 224 };
  },
  build: (net, input): Built => {
    const bottleneck = isBottleneck(net.state);
    const { groups } = grouping(net.state);
    const stem = conv(net, input, 'conv1', { kernel: 7, stride: 2, padding: 3 });
    let x = activate(net, batchNorm(net, stem, 'bn1'), 'relu', 'relu');
    x = net.cut(maxPool(net, x, { kernel: 3, stride: 2, padding: 1 }, 'maxpool'));
    for (const stage of STAGES)
      for (let i = 0; i < countUnder(net.state, `layer${stage}.`); i++) {
        const stride = stage > 1 && i === 0 ? 2 : 1;
        x = net.cut(block(net, x, `layer${stage}.${i}`, { stride, groups, bottleneck }));
      }
    const logits = hasClassifier(net, 'fc.', weightsOf('fc'))
      ? linear(net, globalPool(net, x), 'fc', 'logits')
      : undefined;
    return { features: x, logits };
  },
};

function isBottleneck(state: StateDict): boolean {
  return state.has('layer1.0.conv3.weight');
}

/** Groups of the 3 × 3 convolutions, and channels of each. */
function grouping(state: StateDict): { readonly groups: number; readonly width: number } {
  const [channels = 1, width = 1] = state.get('layer1.0.conv2.weight')?.dims ?? [];
  return { groups: Math.max(1, Math.floor(channels / Math.max(1, width))), width };
}

interface BlockOptions {
  readonly stride: number;
  readonly groups: number;
  readonly bottleneck: boolean;
}

/** relu(F(x) + x), with F of two 3 × 3 convolutions, or of 1 × 1, 3 × 3, 1 × 1; x is projected where shapes differ. */
function block(net: Net, x: Value, prefix: string, { stride, groups, bottleneck }: BlockOptions): Value {
  const relu = (y: Value): Value => activate(net, y, 'relu');
  const layer = (y: Value, i: number, kernel: number, step = 1, groupCount = 1): Value => {
    const options = { kernel, stride: step, padding: (kernel - 1) / 2, groups: groupCount };
    return batchNorm(net, conv(net, y, `${prefix}.conv${i}`, options), `${prefix}.bn${i}`);
  };
  const branch = bottleneck
    ? layer(relu(layer(relu(layer(x, 1, 1)), 2, 3, stride, groups)), 3, 1)
    : layer(relu(layer(x, 1, 3, stride)), 2, 3);
  const differs = stride !== 1 || x.channels !== branch.channels;
  const shortcut = differs
    ? batchNorm(net, conv(net, x, `${prefix}.downsample.0`, { kernel: 1, stride }), `${prefix}.downsample.1`)
    : x;
  return activate(net, add(net, branch, shortcut, `${prefix}/sum`), 'relu', prefix);
}
