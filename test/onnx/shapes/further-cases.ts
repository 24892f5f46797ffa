import { float32, int, int64, ints, string, type Tensor } from '../../../src/onnx/model.ts';
import { call, filled, type ShapeCase } from './run.ts';

const x = { x: [2, 4, 9, 8] };
const f = (dims: readonly number[]): Tensor => filled('float32', dims);
const whole = (v: number): Tensor => int64([v], []);

const unary =
  'Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Celu ThresholdedRelu Shrink Hardmax IsNaN IsInf LpNormalization MeanVarianceNormalization GlobalLpPool Trilu EyeLike Bernoulli';

const einsum = (equation: string, ...shapes: readonly (readonly number[])[]): readonly [string, ShapeCase] => {
  const names = shapes.map((_, i) => `x${i}`);
  return [
    `Einsum: ${equation}`,
    {
      calls: [call('Einsum', names, { equation: string(equation) })],
      inputs: Object.fromEntries(names.map((name, i) => [name, shapes[i]!])),
    },
  ];
};

/** Losses by class of scores [2, 4, 9, 8] for labels [2, 9, 8]. */
const loss = (op: string, reduction: string, outputs: number): readonly [string, ShapeCase] => [
  `${op}: ${reduction}`,
  {
    calls: [call(op, ['x', 'labels', 'w'], { reduction: string(reduction) }, outputs)],
    inputs: { ...x, labels: ['int64', [2, 9, 8]] },
    constants: { w: float32([1, 2, 1, 0.5], [4]) },
  },
];

/** Operators and forms of them that image classifiers rarely have. */
export const FURTHER_CASES: Readonly<Record<string, ShapeCase>> = {
  ...Object.fromEntries(
    unary
      .split(' ')
      .map((op): [string, ShapeCase] => [
        op,
        op === 'EyeLike' ? { calls: [call(op, ['m'])], inputs: { m: [3, 4] } } : { calls: [call(op, ['x'])] },
      ]),
  ),
  ...Object.fromEntries([
    einsum('ij,jk->ik', [2, 3], [3, 4]),
    einsum('ij,jk', [2, 3], [3, 4]),
    einsum('ba,ac', [2, 3], [3, 4]),
    einsum('...ij,...jk', [2, 5, 3], [2, 3, 4]),
    einsum('b...,b->...b', [2, 3, 4], [2]),
    einsum('ii->i', [3, 3]),
    einsum('ij->', [2, 3]),
  ]),
  ...Object.fromEntries(
    ['none', 'sum', 'mean'].flatMap((reduction) => [
      loss('NegativeLogLikelihoodLoss', reduction, 1),
      loss('SoftmaxCrossEntropyLoss', reduction, 2),
    ]),
  ),
  Swish: { calls: [call('Swish', ['x'])], opset: 24 },
  RMSNormalization: { calls: [call('RMSNormalization', ['x', 's'])], constants: { s: f([8]) }, opset: 23 },
  'GroupNormalization: one scale per channel': {
    calls: [call('GroupNormalization', ['x', 's', 's'], { num_groups: int(2) })],
    constants: { s: f([4]) },
    opset: 21,
  },
  'Trilu: k': { calls: [call('Trilu', ['x', 'k'], { upper: int(0) })], constants: { k: whole(-1) } },
  TopK: { calls: [call('TopK', ['x', 'k'], {}, 2)], constants: { k: int64([3]) } },
  'TopK: channels': { calls: [call('TopK', ['x', 'k'], { axis: int(1) }, 2)], constants: { k: int64([2]) } },
  NonZero: { calls: [call('NonZero', ['c'])], constants: { c: int64([0, 3, 1, 0, 0, 2], [2, 3]) } },
  'NonZero: floats': { calls: [call('NonZero', ['c'])], constants: { c: float32([0, 3, 1], [3]) } },
  ReverseSequence: {
    calls: [call('ReverseSequence', ['s', 'n'])],
    inputs: { s: [4, 3, 2] },
    constants: { n: int64([1, 4, 2]) },
  },
  CenterCropPad: { calls: [call('CenterCropPad', ['x', 's'])], constants: { s: int64([2, 5, 4, 11]) } },
  'CenterCropPad: axes': {
    calls: [call('CenterCropPad', ['x', 's'], { axes: ints([-1, 2]) })],
    constants: { s: int64([3, 12]) },
  },
  LpPool: {
    calls: [
      call('LpPool', ['x'], {
        kernel_shape: ints([3, 2]),
        strides: ints([2, 1]),
        pads: ints([1, 0, 0, 1]),
        dilations: ints([1, 2]),
      }),
    ],
  },
  'LpPool: ceil_mode': {
    calls: [call('LpPool', ['x'], { kernel_shape: ints([2, 3]), strides: ints([2, 3]), ceil_mode: int(1) })],
  },
  'AveragePool: dilations': {
    calls: [call('AveragePool', ['x'], { kernel_shape: ints([2, 3]), dilations: ints([3, 2]) })],
  },
  MaxUnpool: {
    calls: [call('MaxUnpool', ['s', 'i'], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) })],
    inputs: { s: [1, 1, 2, 3], i: ['int64', [1, 1, 2, 3]] },
  },
  'MaxUnpool: a given shape': {
    calls: [call('MaxUnpool', ['s', 'i', 'o'], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) })],
    inputs: { s: [1, 1, 2, 3], i: ['int64', [1, 1, 2, 3]] },
    constants: { o: int64([1, 1, 5, 7]) },
  },
  'Conv: 3-D, SAME_UPPER': {
    calls: [call('Conv', ['v', 'w'], { auto_pad: string('SAME_UPPER'), strides: ints([2, 1, 2]) })],
    inputs: { v: [1, 2, 4, 5, 5] },
    constants: { w: f([3, 2, 3, 2, 1]) },
  },
  'ConvTranspose: 1-D': {
    calls: [call('ConvTranspose', ['s', 'w'], { strides: ints([3]), pads: ints([1, 0]), output_padding: ints([2]) })],
    inputs: { s: [2, 3, 5] },
    constants: { w: f([3, 2, 4]) },
  },
  'ConvTranspose: VALID, dilated': {
    calls: [call('ConvTranspose', ['x', 'w'], { auto_pad: string('VALID'), dilations: ints([2, 3]) })],
    constants: { w: f([4, 1, 2, 2]) },
  },
  'ConvTranspose: SAME_LOWER, stride above the kernel': {
    calls: [call('ConvTranspose', ['x', 'w'], { auto_pad: string('SAME_LOWER'), strides: ints([3, 2]) })],
    constants: { w: f([4, 1, 2, 2]) },
  },
  'Pad: reflect': {
    calls: [call('Pad', ['x', 'p'], { mode: string('reflect') })],
    constants: { p: int64([0, 0, 2, -1, 0, 0, 3, 4]) },
  },
  'Pad: wrap': {
    calls: [call('Pad', ['x', 'p', '', 'a'], { mode: string('wrap') })],
    constants: { p: int64([1, 2, 3, 4]), a: int64([-1, 2]) },
  },
  'Resize: axes, not smaller': {
    calls: [
      call('Resize', ['x', '', '', 's'], { axes: ints([3, 2]), keep_aspect_ratio_policy: string('not_smaller') }),
    ],
    constants: { s: int64([20, 11]) },
  },
  'Resize: some axes, scales': {
    calls: [call('Resize', ['x', '', 's'], { axes: ints([2]), mode: string('nearest') })],
    constants: { s: float32([2.6], [1]) },
  },
  'sizes scaled in floats, as exporters write an upsampling': {
    calls: [
      call('Shape', ['x']),
      ['Slice', ['Shape_0', 'zero', 'two'], ['front']],
      ['Slice', ['Shape_0', 'two', 'four'], ['back']],
      ['Cast', ['back'], ['floats'], { to: int(1) }],
      call('Mul', ['floats', 'factor']),
      call('Floor', ['Mul_0']),
      ['Cast', ['Floor_0'], ['sizes'], { to: int(7) }],
      call('Concat', ['front', 'sizes'], { axis: int(0) }),
      call('Resize', ['x', '', '', 'Concat_0']),
      ['Gather', ['floats', 'index'], ['width']],
      call('Sqrt', ['width']),
      call('Unsqueeze', ['Sqrt_0', 'zero']),
      ['Div', ['Unsqueeze_0', 'factor'], ['quotient']],
      ['Max', ['quotient', 'factor'], ['largest']],
    ],
    constants: {
      zero: int64([0]),
      two: int64([2]),
      four: int64([4]),
      index: whole(1),
      factor: float32([1.7], [1]),
    },
  },
  'DepthToSpace: CRD': { calls: [call('DepthToSpace', ['x'], { blocksize: int(2), mode: string('CRD') })] },
};
