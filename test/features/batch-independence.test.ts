import { describe, expect, it } from 'vitest';
import { rngOf } from '../../src/core/rng.ts';
import { BATCH_INDEPENDENT, isBatchIndependent } from '../../src/features/batch-independence.ts';
import { type GraphBuilder, graphBuilder } from '../../src/onnx/builder.ts';
import { float32, int, int64, ints, type Tensor } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { inferShapes } from '../../src/onnx/shapes/infer.ts';

/** Odd sizes, so that neither an image nor a row of it fills whole vectors. */
const DIMS = [13, 9, 11];
const IMAGES = 24;

type Make = (b: GraphBuilder) => string;

function numbers(count: number, seed: string): Float32Array {
  const rng = rngOf(3, seed);
  return Float32Array.from({ length: count }, () => rng.normal());
}

function values(dims: readonly number[], seed: string): Tensor {
  return float32(
    numbers(
      dims.reduce((a, b) => a * b, 1),
      seed,
    ),
    dims,
  );
}

const unary =
  (op: string): Make =>
  (b) =>
    b.add(op, ['x']);
const withConstant = (op: string, dims: readonly number[] = [1, DIMS[0]!, 1, 1]): Make => {
  return (b) => b.add(op, ['x', b.constant(values(dims, op))]);
};
const pool =
  (op: string): Make =>
  (b) =>
    b.add(op, ['x'], { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]) });
const conv =
  (outputs: number, group: number, kernel: number): Make =>
  (b) =>
    b.add(
      'Conv',
      [
        'x',
        b.constant(values([outputs, DIMS[0]! / group, kernel, kernel], `conv${group}${kernel}`)),
        b.floats(new Array(outputs).fill(0.1)),
      ],
      { group: int(group), pads: ints(new Array(4).fill((kernel - 1) / 2)) },
    );

/** One or more graphs for every operator that is said not to look at the rest of the batch. */
const CASES: Readonly<Record<string, readonly Make[]>> = {
  Add: [withConstant('Add')],
  AveragePool: [pool('AveragePool')],
  BatchNormalization: [
    (b) => {
      const statistic = (name: string): string => b.floats([...numbers(DIMS[0]!, name)].map((v) => Math.abs(v) + 0.5));
      return b.add('BatchNormalization', ['x', ...['s', 'b', 'm', 'v'].map(statistic)]);
    },
  ],
  Cast: [(b) => b.add('Cast', ['x'], { to: int(10) })],
  Clip: [(b) => b.add('Clip', ['x', b.scalar(0), b.scalar(0.7)])],
  Concat: [(b) => b.add('Concat', ['x', 'x'], { axis: int(1) })],
  Conv: [conv(7, 1, 3), conv(13, 13, 3), conv(32, 1, 1), conv(64, 1, 3)],
  Div: [withConstant('Div')],
  Dropout: [unary('Dropout')],
  Erf: [unary('Erf')],
  Flatten: [unary('Flatten')],
  Gather: [(b) => b.add('Gather', ['x', b.ints([2, 0, 1])], { axis: int(1) })],
  Gemm: [
    (b) => {
      const flat = b.add('Flatten', ['x'], { axis: int(1) });
      return b.add('Gemm', [flat, b.constant(values([DIMS[0]! * DIMS[1]! * DIMS[2]!, 37], 'gemm'))]);
    },
  ],
  GlobalAveragePool: [unary('GlobalAveragePool')],
  GlobalMaxPool: [unary('GlobalMaxPool')],
  HardSigmoid: [unary('HardSigmoid')],
  HardSwish: [unary('HardSwish')],
  Identity: [unary('Identity')],
  LayerNormalization: [
    (b) => b.add('LayerNormalization', ['x', b.constant(values([DIMS[2]!], 'scale'))], { axis: int(-1) }),
  ],
  LeakyRelu: [unary('LeakyRelu')],
  MatMul: [
    withConstant('MatMul', [DIMS[2]!, 17]),
    (b) => b.add('MatMul', ['x', b.add('Transpose', ['x'], { perm: ints([0, 1, 3, 2]) })]),
  ],
  Max: [withConstant('Max')],
  MaxPool: [pool('MaxPool')],
  Min: [withConstant('Min')],
  Mul: [withConstant('Mul')],
  Pad: [(b) => b.add('Pad', ['x', b.ints([0, 0, 1, 2, 0, 0, 1, 0])])],
  PRelu: [withConstant('PRelu', [DIMS[0]!, 1, 1])],
  Relu: [unary('Relu')],
  Reshape: [(b) => b.add('Reshape', ['x', b.ints([0, -1, DIMS[2]!])])],
  Sigmoid: [unary('Sigmoid')],
  Slice: [(b) => b.add('Slice', ['x', b.ints([1]), b.ints([7]), b.ints([2])])],
  Softmax: [(b) => b.add('Softmax', ['x'], { axis: int(-1) }), (b) => b.add('Softmax', ['x'], { axis: int(1) })],
  Split: [(b) => b.addMany('Split', ['x', b.constant(int64([6, 7]))], 2, { axis: int(1) })[0]!],
  Squeeze: [(b) => b.add('Squeeze', [b.add('GlobalAveragePool', ['x']), b.ints([2, 3])])],
  Sub: [withConstant('Sub')],
  Tanh: [unary('Tanh')],
  Transpose: [(b) => b.add('Transpose', ['x'], { perm: ints([0, 2, 3, 1]) })],
  Unsqueeze: [(b) => b.add('Unsqueeze', ['x', b.ints([4])])],
};

/** The bytes of every image's result when the images run in batches of some size. */
async function rows(make: Make, batch: number, threads: number): Promise<string[]> {
  const b = graphBuilder();
  const y = make(b);
  const input = { name: 'x', dtype: 'float32', dims: [1, ...DIMS] } as const;
  const { infos } = inferShapes(b.graph([input], []));
  const { dtype, dims } = infos.get(y)!;
  const session = await openSession(
    {
      graph: b.graph([{ ...input, dims: ['N', ...DIMS] }], [{ name: y, dtype, dims: ['N', ...dims.slice(1)] }]),
      opset: 18,
      domains: {},
      irVersion: 8,
      producer: 'test',
      metadata: {},
    },
    { threads },
  );
  const size = DIMS.reduce((a, b) => a * b, 1);
  const all = numbers(IMAGES * size, 'images');
  const out: string[] = [];
  for (let start = 0; start < IMAGES; start += batch) {
    const n = Math.min(batch, IMAGES - start);
    const part = all.subarray(start * size, (start + n) * size);
    const { [y]: result } = await session.run({ x: float32(part, [n, ...DIMS]) });
    const { data } = result!;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    for (let i = 0; i < n; i++) out.push(bytes.toString('hex', (i * bytes.length) / n, ((i + 1) * bytes.length) / n));
  }
  await session.close();
  return out;
}

describe('batch independence', () => {
  it('has a case for every operator of the list', () => {
    expect(Object.keys(CASES).sort()).toEqual([...BATCH_INDEPENDENT].sort());
  });

  it.each(Object.keys(CASES))('%s gives an image the same bits in any batch and place', async (op) => {
    for (const make of CASES[op]!) {
      const alone = await rows(make, 1, 2);
      for (const batch of [2, 3, 7, 16, IMAGES]) expect(await rows(make, batch, 2)).toEqual(alone);
    }
  });

  it('tells graphs apart', () => {
    const b = graphBuilder();
    b.add('Relu', ['x'], {}, { output: 'y' });
    const input = { name: 'x', dtype: 'float32', dims: ['N', 3] } as const;
    expect(isBatchIndependent(b.graph([input], []))).toBe(true);
    b.add('Elu', ['y'], {}, { output: 'z' });
    expect(isBatchIndependent(b.graph([input], []))).toBe(false);
    const foreign = graphBuilder();
    foreign.add('Relu', ['x'], {}, { domain: 'com.example' });
    expect(isBatchIndependent(foreign.graph([input], []))).toBe(false);
  });
});
