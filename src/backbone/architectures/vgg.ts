import { float32, int } from '../../onnx/model.ts';
import type { Architecture, Built } from './architecture.ts';
import { batchNorm, conv, hasClassifier, linear, named, weightsOf } from './layers.ts';
import type { Net, Value } from './net.ts';
import { activate, maxPool } from './operations.ts';
import type { StateDict } from './state-dict.ts';

const NAMES: Readonly<Record<number, string>> = { 8: 'vgg11', 10: 'vgg13', 13: 'vgg16', 16: 'vgg19' };
/** Height and width of the map that the classifier reads. */
const POOLED = 7;
/** Halvings of the image. */
const POOLS = 5;

/** Stacked 3 × 3 convolutions: Simonyan and Zisserman 2014, arXiv:1409.1556; `_bn` with normalisation after each. */
export const vgg: Architecture = {
  family: 'vgg',
  recognises: (state) =>
    state.get('features.0.weight')?.dims.slice(1).join() === '3,3,3' &&
    ![...state.keys()].some((name) => name.includes('squeeze')),
  identify: (state) => {
    const name = NAMES[convolutions(state).length];
    return { name: name === undefined ? 'vgg' : `${name}${isNormalised(state) ? '_bn' : ''}`, size: 224 };
  },
  build: (net, input, { size }): Built => {
    const places = convolutions(net.state);
    const normalised = isNormalised(net.state);
    let x = input;
    places.forEach((at, i) => {
      let y = conv(net, x, `features.${at}`, { kernel: 3, padding: 1, bias: true });
      if (normalised) y = batchNorm(net, y, `features.${at + 1}`);
      const relu = at + (normalised ? 2 : 1);
      x = net.cut(activate(net, y, 'relu', `features.${relu}`));
      // A convolution that does not follow at once follows a pooling. One is at the end.
      const next = places[i + 1];
      if (next === undefined || next > relu + 1)
        x = net.cut(maxPool(net, x, { kernel: 2, stride: 2 }, `features.${relu + 1}`));
    });
    const layers = ['classifier.0', 'classifier.3', 'classifier.6'] as const;
    const logits = hasClassifier(net, 'classifier.', weightsOf(...layers))
      ? classify(net, x, Math.floor(size / 2 ** POOLS), layers)
      : undefined;
    return { features: x, logits };
  },
};

/** Places of the convolutions among the modules. */
function convolutions(state: StateDict): number[] {
  const places = [...state].flatMap(([name, { dims }]) => {
    const place = /^features\.(\d{1,3})\.weight$/.exec(name)?.[1];
    return place === undefined || dims.length !== 4 ? [] : [Number(place)];
  });
  return places.sort((a, b) => a - b);
}

function isNormalised(state: StateDict): boolean {
  return state.has('features.1.running_mean');
}

function classify(net: Net, x: Value, side: number, [first, second, last]: readonly [string, string, string]): Value {
  const pooled = side === POOLED ? x : adaptivePool(net, x, side);
  const flat = net.builder.add('Flatten', [pooled.name], { axis: int(1) }, named('flatten', 'Flatten'));
  const channels = x.channels === undefined ? undefined : x.channels * POOLED * POOLED;
  const hidden = activate(net, linear(net, { name: flat, channels }, first), 'relu');
  return linear(net, activate(net, linear(net, hidden, second), 'relu'), last, 'logits');
}

/** Means over 7 × 7 windows of any map, as products with matrices: A X Aᵀ. Window i covers ⌊i s/7⌋ … ⌈(i+1) s/7⌉ − 1. */
function adaptivePool(net: Net, x: Value, side: number): Value {
  const a = new Float32Array(POOLED * side);
  for (let i = 0; i < POOLED; i++) {
    const from = Math.floor((i * side) / POOLED);
    const to = Math.ceil(((i + 1) * side) / POOLED);
    a.fill(1 / (to - from), i * side + from, i * side + to);
  }
  const transposed = a.map((_, k) => a[(k % POOLED) * side + Math.floor(k / POOLED)]!);
  const { builder } = net;
  const rows = builder.add('MatMul', [builder.constant(float32(a, [POOLED, side])), x.name]);
  const right = builder.constant(float32(transposed, [side, POOLED]));
  return { name: builder.add('MatMul', [rows, right], {}, named('avgpool', 'MatMul')), channels: x.channels };
}
