import type { Architecture, Built } from './architecture.ts';
import { convNorm, kernelOf, residual, type Style, squeezeExcite } from './inverted-residual.ts';
import { batchNorm, conv, hasClassifier, linear, weightsOf } from './layers.ts';
import type { Net, Value } from './net.ts';
import { activate, globalPool } from './operations.ts';
import { countUnder } from './state-dict.ts';

const EPSILON = 1e-3;
const HARD: Style = { activation: 'hardswish', epsilon: EPSILON };
const SOFT: Style = { activation: 'relu', epsilon: EPSILON };

/** By the number of blocks: which halve height and width, and the first with HardSwish. */
const VARIANTS: Readonly<
  Record<number, { readonly name: string; readonly halving: Set<number>; readonly hardFrom: number }>
> = {
  15: { name: 'mobilenet_v3_large', halving: new Set([2, 4, 7, 13]), hardFrom: 7 },
  11: { name: 'mobilenet_v3_small', halving: new Set([1, 2, 4, 9]), hardFrom: 4 },
};

/** Howard et al. 2019, arXiv:1905.02244, of any width. */
export const mobilenetV3: Architecture = {
  family: 'mobilenet_v3',
  recognises: (state) => state.has('features.1.block.0.0.weight'),
  identify: (state) => ({
    name: VARIANTS[countUnder(state, 'features.') - 2]?.name ?? 'mobilenet_v3',
    size: 224,
  }),
  build: (net, input): Built => {
    const blocks = Math.max(0, countUnder(net.state, 'features.') - 2);
    const variant = VARIANTS[blocks];
    if (variant === undefined) net.problem(`expected 11 or 15 blocks, got ${blocks}`);
    let x = net.cut(convNorm(net, input, 'features.0', { kernel: 3, stride: 2, padding: 1 }, HARD));
    for (let i = 1; i <= blocks; i++) {
      const stride = variant?.halving.has(i) ? 2 : 1;
      x = net.cut(block(net, x, `features.${i}`, stride, i >= (variant?.hardFrom ?? 0) ? HARD : SOFT));
    }
    x = net.cut(convNorm(net, x, `features.${blocks + 1}`, { kernel: 1 }, HARD));
    const logits = hasClassifier(net, 'classifier.', weightsOf('classifier.0', 'classifier.3'))
      ? classify(net, x)
      : undefined;
    return { features: x, logits };
  },
};

function classify(net: Net, x: Value): Value {
  const hidden = activate(net, linear(net, globalPool(net, x), 'classifier.0'), 'hardswish');
  return linear(net, hidden, 'classifier.3', 'logits');
}

/** Expand, one filter per channel, squeeze and excite, project; the first and third are not in every block. */
function block(net: Net, x: Value, prefix: string, stride: number, style: Style): Value {
  const path = `${prefix}.block`;
  const isDepthwise = (i: number): boolean => {
    const dims = net.state.get(`${path}.${i}.0.weight`)?.dims;
    return dims?.[1] === 1;
  };
  let y = x;
  let at = 0;
  if (!isDepthwise(0)) y = convNorm(net, y, `${path}.${at++}`, { kernel: 1 }, style);
  const kernel = kernelOf(net, `${path}.${at}.0`);
  const filter = { kernel, stride, padding: (kernel - 1) / 2, groups: 'depthwise' } as const;
  y = convNorm(net, y, `${path}.${at++}`, filter, style);
  if (net.state.has(`${path}.${at}.fc1.weight`)) y = squeezeExcite(net, y, `${path}.${at++}`, ['relu', 'hardsigmoid']);
  y = batchNorm(net, conv(net, y, `${path}.${at}.0`, { kernel: 1 }), `${path}.${at}.1`, style.epsilon);
  return residual(net, x, y, stride, prefix);
}
