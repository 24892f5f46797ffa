import type { Architecture, Built } from './architecture.ts';
import { convNorm, residual, type Style } from './inverted-residual.ts';
import { batchNorm, conv, hasClassifier, linear, weightsOf } from './layers.ts';
import type { Net, Value } from './net.ts';
import { globalPool } from './operations.ts';
import { countUnder } from './state-dict.ts';

const STYLE: Style = { activation: 'relu6', epsilon: 1e-5 };
/** Of the blocks that halve height and width. */
const HALVING = new Set([2, 4, 7, 14]);

/** Inverted residuals: Sandler et al. 2018, arXiv:1801.04381, of any width. */
export const mobilenetV2: Architecture = {
  family: 'mobilenet_v2',
  recognises: (state) => state.has('features.1.conv.0.0.weight'),
  identify: () => ({ name: 'mobilenet_v2', size: 224 }),
  build: (net, input): Built => {
    const blocks = Math.max(0, countUnder(net.state, 'features.') - 2);
    let x = net.cut(convNorm(net, input, 'features.0', { kernel: 3, stride: 2, padding: 1 }, STYLE));
    for (let i = 1; i <= blocks; i++) x = net.cut(block(net, x, `features.${i}`, HALVING.has(i) ? 2 : 1));
    x = net.cut(convNorm(net, x, `features.${blocks + 1}`, { kernel: 1 }, STYLE));
    const logits = hasClassifier(net, 'classifier.', weightsOf('classifier.1'))
      ? linear(net, globalPool(net, x), 'classifier.1', 'logits')
      : undefined;
    return { features: x, logits };
  },
};

/** Expand (but in the first block), one filter per channel, project without activation. */
function block(net: Net, x: Value, prefix: string, stride: number): Value {
  const path = `${prefix}.conv`;
  const expands = net.state.has(`${path}.2.weight`) && net.state.get(`${path}.2.weight`)?.dims.length === 4;
  const wide = expands ? convNorm(net, x, `${path}.0`, { kernel: 1 }, STYLE) : x;
  const at = expands ? 1 : 0;
  const filter = { kernel: 3, stride, padding: 1, groups: 'depthwise' } as const;
  const filtered = convNorm(net, wide, `${path}.${at}`, filter, STYLE);
  const narrow = conv(net, filtered, `${path}.${at + 1}`, { kernel: 1 });
  return residual(net, x, batchNorm(net, narrow, `${path}.${at + 2}`, STYLE.epsilon), stride, prefix);
}
