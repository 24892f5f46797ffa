import type { Architecture, Built } from './architecture.ts';
import { convNorm, kernelOf, residual, type Style, squeezeExcite } from './inverted-residual.ts';
import { batchNorm, conv, hasClassifier, linear, weightsOf } from './layers.ts';
import type { Net, Value } from './net.ts';
import { globalPool } from './operations.ts';
import { countUnder, type StateDict } from './state-dict.ts';

/** Blocks in all and last width, then size and ε of the published weights. */
const VARIANTS: ReadonlyMap<string, { readonly name: string; readonly size: number; readonly epsilon: number }> =
  new Map([
    ['16 × 1280', { name: 'efficientnet_b0', size: 224, epsilon: 1e-5 }],
    ['23 × 1280', { name: 'efficientnet_b1', size: 240, epsilon: 1e-5 }],
    ['23 × 1408', { name: 'efficientnet_b2', size: 288, epsilon: 1e-5 }],
    ['26 × 1536', { name: 'efficientnet_b3', size: 300, epsilon: 1e-5 }],
    ['32 × 1792', { name: 'efficientnet_b4', size: 380, epsilon: 1e-5 }],
    ['39 × 2048', { name: 'efficientnet_b5', size: 456, epsilon: 1e-3 }],
    ['45 × 2304', { name: 'efficientnet_b6', size: 528, epsilon: 1e-3 }],
    ['55 × 2560', { name: 'efficientnet_b7', size: 600, epsilon: 1e-3 }],
  ]);
const OTHER = { name: 'efficientnet', size: 224, epsilon: 1e-5 };

/** Stride of each stage's first block. */
const STRIDES = [1, 2, 2, 2, 1, 2, 1];

/** Networks scaled in depth, width and size: Tan and Le 2019, arXiv:1905.11946. Not version 2, whose blocks differ. */
export const efficientnet: Architecture = {
  family: 'efficientnet',
  recognises: (state) => state.has('features.1.0.block.1.fc1.weight'),
  identify: (state) => {
    const { name, size } = variantOf(state);
    return { name, size };
  },
  build: (net, input): Built => {
    const style: Style = { activation: 'silu', epsilon: variantOf(net.state).epsilon };
    let x = net.cut(convNorm(net, input, 'features.0', { kernel: 3, stride: 2, padding: 1 }, style));
    STRIDES.forEach((stride, i) => {
      const stage = `features.${i + 1}`;
      for (let j = 0; j < countUnder(net.state, `${stage}.`); j++)
        x = net.cut(block(net, x, `${stage}.${j}`, j === 0 ? stride : 1, style));
    });
    x = net.cut(convNorm(net, x, 'features.8', { kernel: 1 }, style));
    const logits = hasClassifier(net, 'classifier.', weightsOf('classifier.1'))
      ? linear(net, globalPool(net, x), 'classifier.1', 'logits')
      : undefined;
    return { features: x, logits };
  },
};

function variantOf(state: StateDict): typeof OTHER {
  const blocks = STRIDES.reduce((sum, _, i) => sum + countUnder(state, `features.${i + 1}.`), 0);
  return VARIANTS.get(`${blocks} × ${state.get('features.8.0.weight')?.dims[0]}`) ?? OTHER;
}

/** Expand (but in the first stage), one filter per channel, squeeze and excite, project without activation. */
function block(net: Net, x: Value, prefix: string, stride: number, style: Style): Value {
  const path = `${prefix}.block`;
  const expands = net.state.has(`${path}.3.0.weight`);
  let at = 0;
  let y = x;
  if (expands) y = convNorm(net, y, `${path}.${at++}`, { kernel: 1 }, style);
  const kernel = kernelOf(net, `${path}.${at}.0`);
  const filter = { kernel, stride, padding: (kernel - 1) / 2, groups: 'depthwise' } as const;
  y = convNorm(net, y, `${path}.${at++}`, filter, style);
  y = squeezeExcite(net, y, `${path}.${at++}`, ['silu', 'sigmoid']);
  y = batchNorm(net, conv(net, y, `${path}.${at}.0`, { kernel: 1 }), `${path}.${at}.1`, style.epsilon);
  return residual(net, x, y, stride, prefix);
}
