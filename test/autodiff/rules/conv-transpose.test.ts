import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendGradients } from '../../../src/autodiff/append-gradients.ts';
import { lower, PORTABLE, type Target } from '../../../src/autodiff/lower/lower.ts';
import { BLOCKED_DOMAIN, blockSize } from '../../../src/onnx/blocked.ts';
import { graphBuilder } from '../../../src/onnx/builder.ts';
import { type Attributes, int, ints, type Tensor } from '../../../src/onnx/model.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { expectDirection } from '../finite-differences.ts';
import { uniform } from './cases/values.ts';

const axis = fc.record({
  size: fc.integer({ min: 1, max: 4 }),
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  begin: fc.nat(1),
  end: fc.nat(2),
  extra: fc.nat(2),
});
type Axis = typeof axis extends fc.Arbitrary<infer A> ? A : never;

/** Padding that leaves something, and less output padding than a stride, as the runtime asks. */
function attributesOf(axes: readonly Axis[], group: number): Attributes {
  const reach = (a: Axis): number => a.dilation * (a.kernel - 1);
  return {
    strides: ints(axes.map((a) => a.stride)),
    dilations: ints(axes.map((a) => a.dilation)),
    pads: ints([
      ...axes.map((a) => Math.min(a.begin, reach(a) >> 1)),
      ...axes.map((a) => Math.min(a.end, reach(a) >> 1)),
    ]),
    output_padding: ints(axes.map((a) => Math.min(a.extra, a.stride - 1))),
    group: int(group),
  };
}

describe('ConvTranspose', () => {
  it('for any size, kernel, stride, dilation, pads, output_padding and group', () =>
    fc.assert(
      fc.asyncProperty(axis, axis, fc.constantFrom(1, 2), async (v, h, group) => {
        const inputs = [
          uniform([2, 4, v.size, h.size], 1),
          uniform([4, 3, v.kernel, h.kernel], 2),
          uniform([3 * group], 3),
        ];
        await expectDirection(
          'ConvTranspose',
          { name: 'any', inputs, attributes: attributesOf([v, h], group) },
          0.5,
          1e-5,
        );
      }),
      { numRuns: 60 },
    ));
});

const block = await blockSize();
if (block === 0) console.warn('SKIPPED: the blocked forms, as onnxruntime has no blocked layout on this machine');

/** dX and dW of a ConvTranspose over channels that fill blocks. */
async function gradients(x: Tensor, w: Tensor, attributes: Attributes, target: Target): Promise<Tensor[]> {
  const value = (name: string, { dims }: Tensor) => ({ name, dtype: 'float32', dims }) as const;
  const inputs = [value('x', x), value('w', w)];
  const builder = graphBuilder({ nodes: [], initializers: new Map(), inputs });
  const y = builder.add('ConvTranspose', ['x', 'w'], attributes);
  const loss = builder.add('ReduceSum', [builder.add('Mul', [y, y])], { keepdims: int(0) });
  const {
    builder: all,
    gradients: names,
    infos,
  } = appendGradients(builder.graph(inputs, []), { loss, wrt: ['x', 'w'] });
  const outputs = [
    { ...value('', x), name: names.get('x')! },
    { ...value('', w), name: names.get('w')! },
  ];
  const graph = lower(all.graph(inputs, outputs), target, (name) => infos.get(name)!.dims);
  const session = await openSession(
    {
      graph,
      opset: 18,
      domains: { [BLOCKED_DOMAIN]: 1, 'com.microsoft': 1 },
      irVersion: 9,
      producer: 'test',
      metadata: {},
    },
    { threads: 1 },
  );
  const results = await session.run({ x, w });
  await session.close();
  return outputs.map(({ name }) => results[name]!);
}

describe.skipIf(block === 0)('ConvTranspose in the blocked layout', () => {
  it.each<[string, number[], number[], Attributes]>([
    ['stride 2', [block, block, 5, 4], [block, block, 2, 2], { strides: ints([2, 2]) }],
    [
      'one filter per channel',
      [2, block, 4, 5],
      [block, 1, 3, 3],
      { strides: ints([2, 2]), group: int(block), pads: ints([1, 1, 1, 1]) },
    ],
    [
      'one filter per channel, output_padding',
      [2, block, 4, 5],
      [block, 1, 3, 3],
      { strides: ints([2, 2]), group: int(block), output_padding: ints([1, 1]) },
    ],
    ['1 × 1, many pixels', [2, 3, 25, 20], [3, 4, 1, 1], {}],
  ])('%s', async (_, xDims, wDims, attributes) => {
    const [x, w] = [uniform(xDims, 1), uniform(wDims, 2)];
    const expected = await gradients(x, w, attributes, PORTABLE);
    const got = await gradients(x, w, attributes, { block });
    for (const [i, { dims, data }] of expected.entries()) {
      expect([...got[i]!.dims]).toEqual([...dims]);
      const [values, same] = [Array.from(data, Number), Array.from(got[i]!.data, Number)];
      const largest = Math.max(1, ...values.map(Math.abs));
      // Sums of a few hundred products in another order.
      for (const [at, v] of values.entries()) expect(Math.abs(same[at]! - v) / largest).toBeLessThan(5e-5);
    }
  });
});
