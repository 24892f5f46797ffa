import type { Architecture, Built } from './architecture.ts';
import { conv, hasClassifier, layerNorm, linear, named, weightsOf } from './layers.ts';
import type { Net, Value } from './net.ts';
import { activate, add, globalPool, reshape, transpose } from './operations.ts';
import { countUnder, type StateDict } from './state-dict.ts';

/** Blocks per stage, and channels of the first. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['3,3,9,3 × 96', 'convnext_tiny'],
  ['3,3,27,3 × 96', 'convnext_small'],
  ['3,3,27,3 × 128', 'convnext_base'],
  ['3,3,27,3 × 192', 'convnext_large'],
]);

const EPSILON = 1e-6;
/** Modules that hold the stages; those between them halve height and width. */
const STAGES = [1, 3, 5, 7];
const CHANNELS_LAST = [0, 2, 3, 1];
const CHANNELS_FIRST = [0, 3, 1, 2];

/** Convolutional networks in the manner of transformers: Liu et al. 2022, arXiv:2201.03545. */
export const convnext: Architecture = {
  family: 'convnext',
  recognises: (state) => state.has('features.1.0.layer_scale'),
  identify: (state) => {
    const depths = STAGES.map((stage) => countUnder(state, `features.${stage}.`));
    return { name: NAMES.get(`${depths.join()} × ${stemWidth(state)}`) ?? 'convnext', size: 224 };
  },
  build: (net, input, { size }): Built => {
    const patches = conv(net, input, 'features.0.0', { kernel: 4, stride: 4, bias: true });
    let x = net.cut(channelNorm(net, patches, 'features.0.1'));
    let side = Math.floor(size / 4);
    for (const stage of STAGES) {
      if (stage > 1) {
        const at = `features.${stage - 1}`;
        x = net.cut(conv(net, channelNorm(net, x, `${at}.0`), `${at}.1`, { kernel: 2, stride: 2, bias: true }));
        side = Math.floor(side / 2);
      }
      for (let i = 0; i < countUnder(net.state, `features.${stage}.`); i++)
        x = net.cut(block(net, x, `features.${stage}.${i}`, side));
    }
    const logits = hasClassifier(net, 'classifier.', weightsOf('classifier.0', 'classifier.2'))
      ? classify(net, x)
      : undefined;
    return { features: x, logits };
  },
};

function stemWidth(state: StateDict): number | undefined {
  return state.get('features.0.0.weight')?.dims[0];
}

/** Layer normalisation over the channels of each pixel, of an image NCHW. */
function channelNorm(net: Net, x: Value, prefix: string): Value {
  const last = transpose(net, x, CHANNELS_LAST, `${prefix}/last`);
  const normal = layerNorm(net, last, prefix, EPSILON);
  return transpose(net, normal, CHANNELS_FIRST, `${prefix}/first`);
}

/** x + s · W₂ gelu(W₁ norm(7 × 7 filter per channel)), pixel by pixel, with s a factor per channel. */
function block(net: Net, x: Value, prefix: string, side: number): Value {
  const path = `${prefix}.block`;
  const filtered = conv(net, x, `${path}.0`, { kernel: 7, padding: 3, groups: 'depthwise', bias: true });
  const last = transpose(net, filtered, CHANNELS_LAST, `${path}.1`);
  const normal = layerNorm(net, last, `${path}.2`, EPSILON);
  const { channels } = x;
  const rows = reshape(net, normal, [-1, channels ?? 1]);
  const wide = activate(net, linear(net, rows, `${path}.3`), 'gelu', `${path}.4`);
  const narrow = linear(net, wide, `${path}.5`);
  const image = reshape(net, narrow, [-1, side, side, channels ?? 1]);
  const first = transpose(net, image, CHANNELS_FIRST, `${path}.6`);
  const scale = net.weight(`${prefix}.layer_scale`, [channels, 1, 1]);
  const scaled = net.builder.add('Mul', [first.name, scale], {}, named(`${prefix}/scaled`, 'Mul'));
  return add(net, { name: scaled, channels: narrow.channels }, x, prefix);
}

function classify(net: Net, x: Value): Value {
  return linear(net, layerNorm(net, globalPool(net, x), 'classifier.0', EPSILON), 'classifier.2', 'logits');
}
