import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShapeError, UnsupportedOperatorError } from '../../../src/core/errors.ts';
import { float, float32, int, int64, ints, scalar, string, type Tensor } from '../../../src/onnx/model.ts';
import { readModel } from '../../../src/onnx/protobuf.ts';
import { inferShapes } from '../../../src/onnx/shapes/infer.ts';
import { SHAPE_RULES } from '../../../src/onnx/shapes/table.ts';
import { FURTHER_CASES } from './further-cases.ts';
import { type Call, call, expectShapesAsRun, filled, graphOf, type ShapeCase } from './run.ts';

const x = { x: [2, 4, 9, 8] };
const f = (dims: readonly number[]): Tensor => filled('float32', dims);
const i64 = int64;
const whole = (v: number): Tensor => int64([v], []);
const tensor = (value: Tensor) => ({ kind: 'tensor', value }) as const;

const unary =
  'Relu LeakyRelu Clip Sigmoid HardSigmoid HardSwish Tanh Elu Selu Softplus Softsign Mish Erf Gelu Exp Log Sqrt Reciprocal Abs Neg Sign Floor Ceil Round Sin Cos Softmax LogSoftmax Identity GlobalAveragePool GlobalMaxPool'.split(
    ' ',
  );
const binary = 'Add Sub Mul Div Pow Sum Mean Min Max Equal Greater GreaterOrEqual Less LessOrEqual'.split(' ');
const logical = 'And Or Xor'.split(' ');
const reductions =
  'ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp'.split(
    ' ',
  );

const CASES: Readonly<Record<string, ShapeCase>> = {
  ...FURTHER_CASES,
  ...Object.fromEntries(unary.map((op) => [op, { calls: [call(op, ['x'])] }])),
  ...Object.fromEntries(binary.map((op) => [op, { calls: [call(op, ['x', 'b'])], constants: { b: f([4, 1, 8]) } }])),
  ...Object.fromEntries(
    logical.map((op) => [
      op,
      { calls: [call(op, ['p', 'q'])], inputs: { p: ['bool', [3, 1]], q: ['bool', [2]] } as const },
    ]),
  ),
  ...Object.fromEntries(
    reductions.map((op) => [op, { calls: [call(op, ['x', 'axes'])], constants: { axes: i64([-1, 1]) }, opset: 18 }]),
  ),
  'reduce: all axes, dropped': { calls: [call('ReduceSum', ['x'], { keepdims: int(0) })] },
  'reduce: axes as an attribute': {
    calls: [call('ReduceMean', ['x'], { axes: ints([2, 3]), keepdims: int(0) })],
    opset: 13,
  },
  'reduce: none of the axes': {
    calls: [call('ReduceSum', ['x', 'none'], { noop_with_empty_axes: int(1) })],
    constants: { none: i64([]) },
  },
  ArgMax: { calls: [call('ArgMax', ['x'], { axis: int(1), keepdims: int(0) })] },
  ArgMin: { calls: [call('ArgMin', ['x'], { axis: int(-1) })] },
  PRelu: { calls: [call('PRelu', ['x', 's'])], constants: { s: f([4, 1, 1]) } },
  Mod: { calls: [call('Mod', ['p', 'q'])], inputs: { p: ['int64', [2, 3]] }, constants: { q: i64([3]) } },
  Not: { calls: [call('Not', ['p'])], inputs: { p: ['bool', [2]] } },
  Where: { calls: [call('Where', ['p', 'x', 'b'])], inputs: { p: ['bool', [8]], ...x }, constants: { b: scalar(1) } },
  Cast: { calls: [call('Cast', ['x'], { to: int(7) })] },
  CastLike: { calls: [call('CastLike', ['x', 'l'])], constants: { l: i64([1]) } },
  Dropout: { calls: [call('Dropout', ['x'], {}, 2)] },
  LRN: { calls: [call('LRN', ['x'], { size: int(3) })] },
  CumSum: { calls: [call('CumSum', ['x', 'a'])], constants: { a: whole(1) } },
  'com.microsoft.Gelu': { calls: [call('com.microsoft.Gelu', ['x'])] },
  'Conv: strides, dilations, asymmetric pads': {
    calls: [call('Conv', ['x', 'w'], { strides: ints([2, 1]), dilations: ints([1, 2]), pads: ints([0, 2, 1, 3]) })],
    constants: { w: f([6, 4, 3, 2]) },
  },
  'Conv: groups, SAME_UPPER': {
    calls: [call('Conv', ['x', 'w'], { auto_pad: string('SAME_UPPER'), strides: ints([2, 2]), group: int(4) })],
    constants: { w: f([4, 1, 3, 3]) },
  },
  'Conv: SAME_LOWER': {
    calls: [call('Conv', ['x', 'w'], { auto_pad: string('SAME_LOWER'), strides: ints([2, 1]) })],
    constants: { w: f([2, 4, 2, 4]) },
  },
  'Conv: VALID': {
    calls: [call('Conv', ['x', 'w'], { auto_pad: string('VALID') })],
    constants: { w: f([2, 4, 2, 4]) },
  },
  'Conv: 1-D': {
    calls: [call('Conv', ['s', 'w'], { pads: ints([1, 0]) })],
    inputs: { s: [2, 3, 7] },
    constants: { w: f([2, 3, 3]) },
  },
  ConvTranspose: {
    calls: [
      call('ConvTranspose', ['x', 'w'], {
        strides: ints([2, 3]),
        pads: ints([1, 0, 0, 1]),
        output_padding: ints([1, 0]),
      }),
    ],
    constants: { w: f([4, 3, 3, 2]) },
  },
  'ConvTranspose: SAME_UPPER, groups': {
    calls: [
      call('ConvTranspose', ['x', 'w'], { strides: ints([2, 2]), auto_pad: string('SAME_UPPER'), group: int(2) }),
    ],
    constants: { w: f([4, 3, 3, 3]) },
  },
  'ConvTranspose: output_shape': {
    calls: [call('ConvTranspose', ['x', 'w'], { strides: ints([2, 2]), output_shape: ints([18, 17]) })],
    constants: { w: f([4, 3, 3, 3]) },
  },
  'MaxPool: indices': {
    calls: [call('MaxPool', ['x'], { kernel_shape: ints([3, 2]), strides: ints([2, 2]), pads: ints([1, 0, 0, 1]) }, 2)],
  },
  'MaxPool: SAME_LOWER, dilated': {
    calls: [call('MaxPool', ['x'], { kernel_shape: ints([3, 3]), dilations: ints([2, 2]) })],
  },
  'AveragePool: ceil_mode': {
    calls: [call('AveragePool', ['x'], { kernel_shape: ints([2, 3]), strides: ints([2, 3]), ceil_mode: int(1) })],
  },
  'AveragePool: SAME_UPPER': {
    calls: [
      call('AveragePool', ['x'], { kernel_shape: ints([3, 3]), strides: ints([2, 2]), auto_pad: string('SAME_UPPER') }),
    ],
  },
  BatchNormalization: {
    calls: [call('BatchNormalization', ['x', 'one', 'one', 'one', 'one'])],
    constants: { one: float32([1, 1, 1, 1], [4]) },
  },
  'BatchNormalization: training': {
    calls: [call('BatchNormalization', ['x', 'one', 'one', 'one', 'one'], { training_mode: int(1) }, 3)],
    constants: { one: float32([1, 1, 1, 1], [4]) },
  },
  LayerNormalization: {
    calls: [call('LayerNormalization', ['x', 's'], { axis: int(-2) }, 3)],
    constants: { s: f([9, 8]) },
  },
  InstanceNormalization: { calls: [call('InstanceNormalization', ['x', 's', 's'])], constants: { s: f([4]) } },
  GroupNormalization: {
    calls: [call('GroupNormalization', ['x', 's', 's'], { num_groups: int(2) })],
    constants: { s: f([2]) },
  },
  Gemm: {
    calls: [call('Gemm', ['a', 'b', 'c'], { transA: int(1), transB: int(1) })],
    inputs: { a: [3, 2] },
    constants: { b: f([5, 3]), c: f([5]) },
  },
  MatMul: { calls: [call('MatMul', ['a', 'b'])], inputs: { a: [2, 1, 3, 4] }, constants: { b: f([5, 4, 6]) } },
  'MatMul: row': { calls: [call('MatMul', ['a', 'b'])], inputs: { a: [4] }, constants: { b: f([5, 4, 6]) } },
  'MatMul: column': { calls: [call('MatMul', ['a', 'b'])], inputs: { a: [3, 4] }, constants: { b: f([4]) } },
  'MatMul: dot': { calls: [call('MatMul', ['a', 'b'])], inputs: { a: [4] }, constants: { b: f([4]) } },
  Concat: { calls: [call('Concat', ['x', 'b'], { axis: int(-3) })], constants: { b: f([2, 1, 9, 8]) } },
  'Split: given': { calls: [call('Split', ['x', 's'], { axis: int(1) }, 2)], constants: { s: i64([3, 1]) } },
  'Split: unequal': { calls: [call('Split', ['x'], { axis: int(2), num_outputs: int(2) }, 2)] },
  'Slice: negative steps': {
    calls: [call('Slice', ['x', 's', 'e', 'a', 't'])],
    constants: { s: i64([-1, 1]), e: i64([-99, Number.MAX_SAFE_INTEGER]), a: i64([2, -1]), t: i64([-2, 3]) },
  },
  Pad: { calls: [call('Pad', ['x', 'p'])], constants: { p: i64([0, 0, 1, 2, 0, 0, 3, -1]) } },
  'Pad: axes': { calls: [call('Pad', ['x', 'p', '', 'a'])], constants: { p: i64([1, 2, 3, 4]), a: i64([-1, 2]) } },
  Reshape: { calls: [call('Reshape', ['x', 's'])], constants: { s: i64([0, -1, 6]) } },
  'Reshape: allowzero': {
    calls: [call('Reshape', ['e', 's'], { allowzero: int(1) })],
    inputs: { e: [0, 3] },
    constants: { s: i64([3, 0]) },
  },
  Flatten: { calls: [call('Flatten', ['x'], { axis: int(-2) })] },
  'Flatten: all': { calls: [call('Flatten', ['x'], { axis: int(4) })] },
  Transpose: { calls: [call('Transpose', ['x'], { perm: ints([1, 0, 3, 2]) })] },
  'Transpose: reversed': { calls: [call('Transpose', ['x'])] },
  Squeeze: { calls: [call('Squeeze', ['s', 'a'])], inputs: { s: [1, 3, 1] }, constants: { a: i64([-1]) } },
  'Squeeze: all': { calls: [call('Squeeze', ['s'])], inputs: { s: [1, 3, 1] } },
  Unsqueeze: { calls: [call('Unsqueeze', ['x', 'a'])], constants: { a: i64([-1, 0]) } },
  Expand: { calls: [call('Expand', ['s', 'd'])], inputs: { s: [3, 1] }, constants: { d: i64([2, 1, 4]) } },
  Tile: { calls: [call('Tile', ['x', 'r'])], constants: { r: i64([1, 2, 1, 3]) } },
  Gather: { calls: [call('Gather', ['x', 'i'], { axis: int(-2) })], inputs: { ...x, i: ['int64', [2, 3]] } },
  GatherElements: {
    calls: [call('GatherElements', ['x', 'i'], { axis: int(1) })],
    inputs: { ...x, i: ['int64', [1, 2, 9, 3]] },
  },
  GatherND: {
    calls: [call('GatherND', ['x', 'i'], { batch_dims: int(1) })],
    constants: { i: i64([0, 0, 1, 1], [2, 1, 2]) },
  },
  ScatterElements: {
    calls: [call('ScatterElements', ['x', 'i', 'u'], { axis: int(1) })],
    inputs: { ...x, i: ['int64', [2, 4, 1, 1]], u: [2, 4, 1, 1] },
  },
  ScatterND: {
    calls: [call('ScatterND', ['x', 'i', 'u'])],
    inputs: { ...x, u: [1, 4, 9, 8] },
    constants: { i: i64([1], [1, 1]) },
  },
  'Resize: scales': { calls: [call('Resize', ['x', '', 's'])], constants: { s: float32([1, 1, 1.7, 0.3], [4]) } },
  'Resize: sizes': {
    calls: [call('Resize', ['x', '', '', 's'], { mode: string('linear') })],
    constants: { s: i64([2, 4, 5, 11]) },
  },
  'Resize: axes, not larger': {
    calls: [call('Resize', ['x', '', '', 's'], { axes: ints([2, 3]), keep_aspect_ratio_policy: string('not_larger') })],
    constants: { s: i64([20, 11]) },
  },
  DepthToSpace: { calls: [call('DepthToSpace', ['x'], { blocksize: int(2) })] },
  SpaceToDepth: { calls: [call('SpaceToDepth', ['s'], { blocksize: int(2) })], inputs: { s: [1, 3, 4, 6] } },
  OneHot: {
    calls: [call('OneHot', ['i', 'd', 'v'], { axis: int(1) })],
    inputs: { i: ['int64', [2, 3]] },
    constants: { d: i64([5]), v: float32([0, 1], [2]) },
  },
  'Constant: every kind': {
    calls: [
      ['Constant', [], ['c0'], { value_int: int(3) }],
      ['Constant', [], ['c1'], { value_ints: ints([3, 4]) }],
      ['Constant', [], ['c2'], { value_float: float(0.5) }],
      ['Constant', [], ['c3'], { value: tensor(f([2, 2])) }],
    ],
  },
  RandomUniform: { calls: [call('RandomUniform', [], { shape: ints([2, 3]) })] },
  RandomNormal: { calls: [call('RandomNormal', [], { shape: ints([2, 3]) })] },
  RandomUniformLike: { calls: [call('RandomUniformLike', ['x'])] },
  RandomNormalLike: { calls: [call('RandomNormalLike', ['x'])] },
  'shape arithmetic, as exporters write a flatten': {
    calls: [
      call('Shape', ['x']),
      call('Gather', ['Shape_0', 'zero']),
      call('Unsqueeze', ['Gather_0', 'axis0']),
      call('Concat', ['Unsqueeze_0', 'minus'], { axis: int(0) }),
      ['Reshape', ['x', 'Concat_0'], ['flat']],
      ['Slice', ['Shape_0', 'one', 'big'], ['tail']],
      call('ReduceProd', ['tail'], { keepdims: int(0) }),
      call('Cast', ['ReduceProd_0'], { to: int(6) }),
      call('Size', ['x']),
      call('Squeeze', ['Unsqueeze_0', 'axis0']),
      call('Mul', ['tail', 'two']),
      call('Div', ['minusSeven', 'two']),
      call('Sub', ['Mul_0', 'one']),
      call('Add', ['Sub_0', 'tail']),
      call('Range', ['zero', 'nine', 'three']),
      call('ConstantOfShape', ['two'], { value: tensor(int64([7])) }),
      ['ConstantOfShape', ['tail'], ['zerosOfTail']],
      call('Equal', ['tail', 'two']),
      call('Where', ['Equal_0', 'tail', 'minus']),
      ['Reshape', ['tail', 'minus'], ['again']],
      call('Max', ['tail', 'two']),
      ['Expand', ['x', 'Shape_0'], ['same']],
    ],
    constants: {
      zero: whole(0),
      nine: whole(9),
      three: whole(3),
      axis0: i64([0]),
      minus: i64([-1]),
      one: i64([1]),
      two: i64([2]),
      big: i64([2 ** 60]),
      minusSeven: i64([-7]),
    },
  },
};

describe('shapes are those that onnxruntime computes', () => {
  it.each(Object.entries(CASES))('%s', async (_, { calls, inputs = x, constants = {}, opset }) => {
    await expectShapesAsRun(graphOf(inputs, constants, calls), {}, opset);
  });

  it('every operator in the table has a case', () => {
    const tried = new Set(Object.values(CASES).flatMap((c) => c.calls.map(([op]) => op)));
    expect(Object.keys(SHAPE_RULES).filter((op) => !tried.has(op))).toEqual([]);
  });

  it('windows, for any size, kernel, stride, dilation and padding', async () => {
    const axis = fc.record({
      size: fc.integer({ min: 7, max: 12 }),
      kernel: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 4 }),
      dilation: fc.integer({ min: 1, max: 3 }),
      begin: fc.nat(2),
      end: fc.nat(2),
    });
    await fc.assert(
      fc.asyncProperty(
        axis,
        axis,
        fc.constantFrom('NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
        async (v, h, autoPad) => {
          // The runtime refuses dilations with SAME padding.
          const dilations = autoPad.startsWith('SAME') ? [1, 1] : [v.dilation, h.dilation];
          const windows = {
            strides: ints([v.stride, h.stride]),
            dilations: ints(dilations),
            auto_pad: string(autoPad),
            ...(autoPad === 'NOTSET' ? { pads: ints([v.begin, h.begin, v.end, h.end]) } : {}),
          };
          await expectShapesAsRun(
            graphOf({ x: [1, 1, v.size, h.size] }, { w: f([1, 1, v.kernel, h.kernel]) }, [
              call('Conv', ['x', 'w'], windows),
            ]),
          );
        },
      ),
      { numRuns: 60 },
    );
    await fc.assert(
      fc.asyncProperty(axis, axis, fc.boolean(), async (v, h, ceil) => {
        const pads = [v, h].map((a) => Math.min(a.begin, a.kernel - 1));
        const ends = [v, h].map((a) => Math.min(a.end, a.kernel - 1));
        const windows = {
          kernel_shape: ints([v.kernel, h.kernel]),
          strides: ints([v.stride, h.stride]),
          pads: ints([...pads, ...ends]),
          ceil_mode: int(Number(ceil)),
        };
        await expectShapesAsRun(
          graphOf({ x: [1, 1, v.size, h.size] }, {}, [
            call('MaxPool', ['x'], windows),
            call('AveragePool', ['x'], windows),
          ]),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('what cannot be worked out', () => {
  it('names the input and the free dim', () => {
    const graph = {
      ...graphOf({}, {}, [call('Relu', ['x'])]),
      inputs: [{ name: 'x', dtype: 'float32', dims: ['N', 3] } as const],
    };
    expect(() => inferShapes(graph)).toThrow(/input 'x'.*dim 0 \('N'\)/);
    expect(inferShapes(graph, { x: [5, 3] }).infos.get('Relu_0')?.dims).toEqual([5, 3]);
    expect(() => inferShapes(graph, { x: [5, 4] })).toThrow(ShapeError);
    expect(() => inferShapes(graph, { y: [5, 4] })).toThrow(/input 'y'/);
  });

  it('names node, operator and what is known', () => {
    const graph = graphOf(x, {}, [call('Scan', ['x'])]);
    expect(() => inferShapes(graph)).toThrow(UnsupportedOperatorError);
    expect(() => inferShapes(graph)).toThrow(/n0_Scan.*Scan/);
    expect(() => inferShapes(graphOf(x, {}, [call('toString', ['x'])]))).toThrow(UnsupportedOperatorError);
  });

  it.each<[string, readonly Call[], Readonly<Record<string, Tensor>>, RegExp]>([
    ['shapes that do not broadcast', [call('Add', ['x', 'b'])], { b: f([3]) }, /Add node.*\[2, 4, 9, 8\] and \[3\]/],
    ['wrong channels', [call('Conv', ['x', 'w'])], { w: f([1, 3, 1, 1]) }, /weights \[M, 4, kernel…\]/],
    [
      'a window larger than the input',
      [call('Conv', ['x', 'w'])],
      { w: f([1, 4, 10, 1]) },
      /window of at most 9.*got 10/,
    ],
    ['inner sizes that differ', [call('MatMul', ['x', 'w'])], { w: f([9, 2]) }, /one inner size/],
    ['an axis out of range', [call('Concat', ['x'], { axis: int(4) })], {}, /axis in \[-4, 4\)/],
    ['too few elements', [call('Reshape', ['x', 's'])], { s: i64([5, 5]) }, /576 elements/],
    [
      'a shape computed from data',
      [call('Cast', ['x'], { to: int(7) }), call('Reshape', ['x', 'Cast_0'])],
      {},
      /'Cast_0'.*known before/,
    ],
    ['nodes out of order', [call('Relu', ['later'])], {}, /'later'/],
    ['parts that do not add up', [call('Split', ['x', 's'], { axis: int(1) }, 2)], { s: i64([3, 2]) }, /add up to 4/],
  ])('%s', (_, calls, constants, message) => {
    expect(() => inferShapes(graphOf(x, constants, calls))).toThrow(message);
    expect(() => inferShapes(graphOf(x, constants, calls))).toThrow(ShapeError);
  });

  it('never takes a float that depends on a weight for a constant', () => {
    const { constants } = inferShapes(graphOf({}, { w: f([2]) }, [call('Add', ['w', 'w']), call('Identity', ['w'])]));
    expect([...constants.keys()]).toEqual(['w']);
  });
});

const mobilenet = fileURLToPath(new URL('../../../../shared/weights/mobilenet_v2_imagenet.onnx', import.meta.url));
const present = existsSync(mobilenet);
if (!present) console.warn(`SKIPPED: ${mobilenet} is absent`);

describe.skipIf(!present)('a real network', () => {
  it('MobileNetV2 at batch 2', async () => {
    const model = readModel(mobilenet);
    const input = model.graph.inputs.find((v) => !model.graph.initializers.has(v.name))!;
    const { infos } = await expectShapesAsRun(model.graph, { [input.name]: [2, 3, 224, 224] }, model.opset);
    expect(infos.get(model.graph.outputs[0]!.name)?.dims).toEqual([2, 1001]);
  });
});
