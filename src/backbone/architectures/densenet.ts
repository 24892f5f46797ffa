import type { Architecture, Built } from './architecture.ts';
import { batchNorm, conv, hasClassifier, linear, weightsOf } from './layers.ts';
import type { Net, Value } from './net.ts';
import { activate, averagePool, concat, globalPool, maxPool } from './operations.ts';
import { countUnder, type StateDict } from './state-dict.ts';

/** Layers per block. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['6,12,24,16', 'densenet121'],
  ['6,12,36,24', 'densenet161'],
  ['6,12,32,32', 'densenet169'],
  ['6,12,48,32', 'densenet201'],
]);

/** Densely connected networks: Huang et al. 2016, arXiv:1608.06993. */
export const densenet: Architecture = {
  family: 'densenet',
  recognises: (state) =>
    state.has('features.conv0.weight') && state.has('features.denseblock1.denselayer1.conv1.weight'),
  // Files published for old versions of PyTorch have `norm.1` for `norm1`.
  renamed: (name) => name.replace(/^(features\.denseblock\d+\.denselayer\d+\.(?:norm|conv))\.([12])\./, '$1$2.'),
  identify: (state) => ({ name: NAMES.get(depths(state).join()) ?? 'densenet', size: 224 }),
  build: (net, input): Built => {
    const stem = batchNorm(
      net,
      conv(net, input, 'features.conv0', { kernel: 7, stride: 2, padding: 3 }),
      'features.norm0',
    );
    let x = activate(net, stem, 'relu', 'features.relu0');
    x = net.cut(maxPool(net, x, { kernel: 3, stride: 2, padding: 1 }, 'features.pool0'));
    const blocks = depths(net.state);
    blocks.forEach((depth, i) => {
      for (let layer = 1; layer <= depth; layer++)
        x = net.cut(denseLayer(net, x, `features.denseblock${i + 1}.denselayer${layer}`));
      if (i < blocks.length - 1) x = net.cut(transition(net, x, `features.transition${i + 1}`));
    });
    x = net.cut(activate(net, batchNorm(net, x, 'features.norm5'), 'relu', 'relu'));
    const logits = hasClassifier(net, 'classifier.', weightsOf('classifier'))
      ? linear(net, globalPool(net, x), 'classifier', 'logits')
      : undefined;
    return { features: x, logits };
  },
};

function depths(state: StateDict): number[] {
  // `denselayer3.` and `denseblock2.` are numbered from 1.
  return Array.from({ length: countUnder(state, 'features.denseblock') }, (_, i) =>
    countUnder(state, `features.denseblock${i + 1}.denselayer`),
  );
}

/** x and what norm, relu, conv 1 × 1, norm, relu, conv 3 × 3 make of it, side by side. */
function denseLayer(net: Net, x: Value, prefix: string): Value {
  const narrow = activate(net, batchNorm(net, x, `${prefix}.norm1`), 'relu');
  const middle = conv(net, narrow, `${prefix}.conv1`, { kernel: 1 });
  const wide = activate(net, batchNorm(net, middle, `${prefix}.norm2`), 'relu');
  return concat(net, [x, conv(net, wide, `${prefix}.conv2`, { kernel: 3, padding: 1 })], prefix);
}

/** Fewer channels, half the height and width. */
function transition(net: Net, x: Value, prefix: string): Value {
  const y = conv(net, activate(net, batchNorm(net, x, `${prefix}.norm`), 'relu'), `${prefix}.conv`, { kernel: 1 });
  return averagePool(net, y, { kernel: 2, stride: 2 }, `${prefix}.pool`);
}
