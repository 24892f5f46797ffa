import type { Architecture, Built } from './architecture.ts';
import { batchNorm, type ConvOptions, conv, hasClassifier, linear, weightsOf } from './layers.ts';
import type { Net, Value } from './net.ts';
import { activate, averagePool, concat, globalPool, maxPool } from './operations.ts';

const EPSILON = 1e-3;

/**
 * Szegedy et al. 2015, arXiv:1512.00567: 21.8 M parameters, 2048 features; the auxiliary classifier is left out.
 *
 * The published weights come from TensorFlow, whose pixels lie in −1 … 1; torchvision's model turns its usual
 * normalisation into that one (`transform_input`). Here the normalisation is `symmetric` at once, which is the same.
 * Weights trained with `transform_input=False` on ImageNet's mean and deviation need `imagenet`.
 */
export const inception: Architecture = {
  family: 'inception_v3',
  normalisation: 'symmetric',
  recognises: (state) => state.has('Conv2d_1a_3x3.conv.weight') && state.has('Mixed_7c.branch1x1.conv.weight'),
  identify: () => ({ name: 'inception_v3', size: 299 }),
  build: (net, input): Built => {
    net.ignore('AuxLogits.');
    const pool = { kernel: 3, stride: 2 };
    let x = basic(net, input, 'Conv2d_1a_3x3', { kernel: 3, stride: 2 });
    x = basic(net, x, 'Conv2d_2a_3x3', { kernel: 3 });
    x = net.cut(basic(net, x, 'Conv2d_2b_3x3', { kernel: 3, padding: 1 }));
    x = net.cut(maxPool(net, x, pool, 'maxpool1'));
    x = basic(net, x, 'Conv2d_3b_1x1', { kernel: 1 });
    x = net.cut(basic(net, x, 'Conv2d_4a_3x3', { kernel: 3 }));
    x = net.cut(maxPool(net, x, pool, 'maxpool2'));
    for (const [name, module] of MODULES) x = net.cut(mixed(net, x, name, module));
    const logits = hasClassifier(net, 'fc.', weightsOf('fc'))
      ? linear(net, globalPool(net, x), 'fc', 'logits')
      : undefined;
    return { features: x, logits };
  },
};

/** A convolution with normalisation and ReLU, by the name of its module. */
type Step = readonly [name: string, options: ConvOptions];

/** A branch ends in one convolution, or in two that read the same and stand side by side. */
interface Branch {
  readonly pool?: 'max' | 'average';
  readonly steps: readonly Step[];
  readonly fork?: readonly [Step, Step];
}

const one = (name: string): Step => [name, { kernel: 1 }];
const square = (name: string, kernel: number, stride = 1): Step => [
  name,
  { kernel, stride, padding: stride === 2 ? 0 : (kernel - 1) / 2 },
];
/** One row of n pixels, and one column. */
const row = (name: string, n: number): Step => [name, { kernel: [1, n], padding: [0, (n - 1) / 2] }];
const column = (name: string, n: number): Step => [name, { kernel: [n, 1], padding: [(n - 1) / 2, 0] }];

const POOLED: Branch = { pool: 'average', steps: [one('branch_pool')] };
const SHRUNK: Branch = { pool: 'max', steps: [] };

/** Three sizes of windows, the largest as two 3 × 3. */
const A: readonly Branch[] = [
  { steps: [one('branch1x1')] },
  { steps: [one('branch5x5_1'), square('branch5x5_2', 5)] },
  { steps: [one('branch3x3dbl_1'), square('branch3x3dbl_2', 3), square('branch3x3dbl_3', 3)] },
  POOLED,
];
const B: readonly Branch[] = [
  { steps: [square('branch3x3', 3, 2)] },
  { steps: [one('branch3x3dbl_1'), square('branch3x3dbl_2', 3), square('branch3x3dbl_3', 3, 2)] },
  SHRUNK,
];
/** 7 × 7 windows as rows and columns. */
const C: readonly Branch[] = [
  { steps: [one('branch1x1')] },
  { steps: [one('branch7x7_1'), row('branch7x7_2', 7), column('branch7x7_3', 7)] },
  {
    steps: [
      one('branch7x7dbl_1'),
      column('branch7x7dbl_2', 7),
      row('branch7x7dbl_3', 7),
      column('branch7x7dbl_4', 7),
      row('branch7x7dbl_5', 7),
    ],
  },
  POOLED,
];
const D: readonly Branch[] = [
  { steps: [one('branch3x3_1'), square('branch3x3_2', 3, 2)] },
  { steps: [one('branch7x7x3_1'), row('branch7x7x3_2', 7), column('branch7x7x3_3', 7), square('branch7x7x3_4', 3, 2)] },
  SHRUNK,
];
/** Rows and columns side by side. */
const E: readonly Branch[] = [
  { steps: [one('branch1x1')] },
  { steps: [one('branch3x3_1')], fork: [row('branch3x3_2a', 3), column('branch3x3_2b', 3)] },
  {
    steps: [one('branch3x3dbl_1'), square('branch3x3dbl_2', 3)],
    fork: [row('branch3x3dbl_3a', 3), column('branch3x3dbl_3b', 3)],
  },
  POOLED,
];

const MODULES: readonly (readonly [name: string, branches: readonly Branch[]])[] = [
  ['Mixed_5b', A],
  ['Mixed_5c', A],
  ['Mixed_5d', A],
  ['Mixed_6a', B],
  ['Mixed_6b', C],
  ['Mixed_6c', C],
  ['Mixed_6d', C],
  ['Mixed_6e', C],
  ['Mixed_7a', D],
  ['Mixed_7b', E],
  ['Mixed_7c', E],
];

function mixed(net: Net, x: Value, prefix: string, branches: readonly Branch[]): Value {
  const parts = branches.flatMap(({ pool, steps, fork }) => {
    const step = (y: Value, [name, options]: Step): Value => basic(net, y, `${prefix}.${name}`, options);
    const entry =
      pool === 'average'
        ? averagePool(net, x, { kernel: 3, stride: 1, padding: 1 }, `${prefix}/average`)
        : pool === 'max'
          ? maxPool(net, x, { kernel: 3, stride: 2 }, `${prefix}/max`)
          : x;
    const end = steps.reduce(step, entry);
    return fork === undefined ? [end] : fork.map((last) => step(end, last));
  });
  return concat(net, parts, prefix);
}

function basic(net: Net, x: Value, prefix: string, options: ConvOptions): Value {
  const y = batchNorm(net, conv(net, x, `${prefix}.conv`, options), `${prefix}.bn`, EPSILON);
  return activate(net, y, 'relu', prefix);
}
