import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendGradients } from '../../src/autodiff/append-gradients.ts';
import { convolution } from '../../src/autodiff/lower/convolution.ts';
import { lower, PORTABLE, type Target } from '../../src/autodiff/lower/lower.ts';
import { NEVUS_DOMAIN } from '../../src/autodiff/lower/operators.ts';
import { rngOf } from '../../src/core/rng.ts';
import { BLOCKED_DOMAIN, blockSize } from '../../src/onnx/blocked.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { type Graph, int, ints, intsOf, type Node, sizeOf, type Tensor } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { runnable } from '../../src/train/fixed-batch.ts';
import { naiveConvolution } from './naive-convolution.ts';

/** Float32 rounding of sums of a few thousand products, relative to the largest value. */
const TOLERANCE = 5e-5;

const block = await blockSize();
/** The forms for this machine and, where that is something else, the standard ones. */
const TARGETS: readonly (readonly [name: string, target: Target])[] = [
  ['portable', PORTABLE],
  ...(block > 0 ? [[`blocks of ${block}`, { block }] as const] : []),
];
if (block === 0) console.warn('SKIPPED: the blocked forms, as onnxruntime has no blocked layout on this machine');

interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
}

interface Example {
  readonly n: number;
  /** Channels in and out of one group. */
  readonly inGroup: number;
  readonly outGroup: number;
  readonly group: number;
  readonly axes: readonly Axis[];
}

const outputOf = ({ size, kernel, stride, dilation, begin, end }: Axis): number =>
  Math.floor((size + begin + end - dilation * (kernel - 1) - 1) / stride) + 1;

/** The shapes of an example and the convolution in the terms of the code under test. */
function geometryOf({ n, inGroup, outGroup, group, axes }: Example) {
  const x = [n, inGroup * group, ...axes.map((a) => a.size)];
  const w = [outGroup * group, inGroup, ...axes.map((a) => a.kernel)];
  const y = [n, outGroup * group, ...axes.map(outputOf)];
  const pads = [...axes.map((a) => a.begin), ...axes.map((a) => a.end)];
  const geometry = {
    kernel: axes.map((a) => a.kernel),
    strides: axes.map((a) => a.stride),
    dilations: axes.map((a) => a.dilation),
    pads,
  };
  return { x, w, y, ...geometry, conv: convolution(geometry, group, x, w, y) };
}

const random = (dims: readonly number[], name: string): Tensor & { dtype: 'float32' } => {
  const rng = rngOf(3, name, dims.join());
  return {
    dtype: 'float32',
    dims,
    data: Float32Array.from({ length: sizeOf(dims) }, () => rng.uniform(-1, 1)),
  };
};

/** Y = Conv(X, W, B), loss = Σ dY · Y with dY given, and the gradients by X, W and B, lowered. */
function lowered(example: Example, target: Target): { readonly graph: Graph; readonly names: readonly string[] } {
  const g = geometryOf(example);
  const bias = [g.w[0]!];
  const value = (name: string, dims: readonly number[]) => ({ name, dtype: 'float32', dims }) as const;
  const inputs = [value('x', g.x), value('w', g.w), value('b', bias), value('dY', g.y)];
  const builder = graphBuilder({ nodes: [], initializers: new Map(), inputs });
  const attributes = {
    kernel_shape: ints(g.kernel),
    strides: ints(g.strides),
    dilations: ints(g.dilations),
    pads: ints(g.pads),
    group: int(example.group),
  };
  const y = builder.add('Conv', ['x', 'w', 'b'], attributes, { output: 'y' });
  const loss = builder.add('ReduceSum', [builder.add('Mul', [y, 'dY'])], { keepdims: int(0) });
  const backward = appendGradients(builder.graph(inputs, []), { loss, wrt: ['x', 'w', 'b'] });
  const [dX, dW, dB] = ['x', 'w', 'b'].map((name) => backward.gradients.get(name)!);
  const outputs = [value(y, g.y), value(dX!, g.x), value(dW!, g.w), value(dB!, bias)];
  const graph = lower(backward.builder.graph(inputs, outputs), target, (name) => backward.infos.get(name)!.dims);
  return { graph, names: outputs.map((o) => o.name) };
}

/** Runs the lowered graph and compares the result and all three gradients with the definition. */
async function expectEqual(example: Example, target: Target): Promise<void> {
  const { graph, names } = lowered(example, target);
  const { x: xDims, w: wDims, y: yDims, conv } = geometryOf(example);
  const [x, w] = [random(xDims, 'x'), random(wDims, 'w')];
  const [b, dY] = [random([wDims[0]!], 'b'), random(yDims, 'dY')];
  const session = await openSession(runnable(graph), { threads: 1 });
  const results = await session.run({ x, w, b, dY });
  await session.close();
  const naive = naiveConvolution(conv, x.data, w.data, b.data, dY.data);
  const expected = [
    ['y', naive.y, yDims],
    ['dX', naive.dX, xDims],
    ['dW', naive.dW, wDims],
    ['dB', naive.dB, [wDims[0]!]],
  ] as const;
  for (const [i, [what, values, dims]] of expected.entries()) {
    const got = results[names[i]!]!;
    expect([what, ...got.dims]).toEqual([what, ...dims]);
    let scale = 1;
    for (const v of values) scale = Math.max(scale, Math.abs(v));
    for (let at = 0; at < values.length; at++) {
      // Written so that NaN fails.
      if (!(Math.abs(Number(got.data[at]) - values[at]!) <= TOLERANCE * scale))
        expect.fail(`${what}[${at}]: expected ${values[at]} within ${TOLERANCE} · ${scale}, got ${got.data[at]}`);
    }
  }
}

const nodesOf = (example: Example, target: Target): readonly Node[] => lowered(example, target).graph.nodes;
const opsOf = (example: Example, target: Target): Set<string> =>
  new Set(nodesOf(example, target).map((n) => `${n.domain === '' ? '' : `${n.domain}.`}${n.op}`));
/** Square images and windows. */
const square = (size: number, kernel: number, rest: Partial<Axis> = {}): Axis[] =>
  [0, 1].map(() => ({ size, kernel, stride: 1, dilation: 1, begin: 0, end: 0, ...rest }));

const channels = fc.constantFrom(
  // One group, channels that fill blocks and that do not
  { inGroup: 1, outGroup: 1, group: 1 },
  { inGroup: 3, outGroup: 5, group: 1 },
  { inGroup: 3, outGroup: 16, group: 1 },
  { inGroup: 16, outGroup: 16, group: 1 },
  { inGroup: 16, outGroup: 4, group: 1 },
  // Groups
  { inGroup: 2, outGroup: 3, group: 2 },
  { inGroup: 8, outGroup: 8, group: 4 },
  // One filter per channel, or two
  { inGroup: 1, outGroup: 1, group: 6 },
  { inGroup: 1, outGroup: 1, group: 16 },
  { inGroup: 1, outGroup: 1, group: 32 },
  { inGroup: 1, outGroup: 2, group: 16 },
);

/** An axis whose window fits into the padded image. Pads may be larger than the window's reach. */
const axisOf = (kernel: number): fc.Arbitrary<Axis> =>
  fc
    .record({
      extra: fc.nat(8),
      stride: fc.constantFrom(1, 1, 2, 2, 3),
      dilation: fc.constantFrom(1, 1, 2),
      begin: fc.nat(3),
      end: fc.nat(3),
    })
    .map(({ extra, stride, dilation, begin, end }) => {
      const window = dilation * (kernel - 1) + 1;
      return { kernel, stride, dilation, begin, end, size: Math.max(1, window - begin - end) + extra };
    });

const kernels = fc.constantFrom([1, 1], [1, 7], [7, 1], [3, 3], [3, 3], [5, 5], [2, 3]);
const axes2 = kernels.chain(([h, w]) => fc.tuple(axisOf(h!), axisOf(w!)));
const batches = fc.constantFrom(1, 2, 16, 16);

describe.each(TARGETS)('convolutions and their gradients equal the definition: %s', (_, target) => {
  it('any window, channels and batch', () =>
    fc.assert(
      fc.asyncProperty(batches, channels, axes2, (n, c, axes) => expectEqual({ n, ...c, axes }, target)),
      { numRuns: 120 },
    ));

  it('on one axis, and on three', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(1, 2, 16),
        channels,
        fc.oneof(
          fc.constantFrom(1, 3, 4).chain((k) => fc.tuple(axisOf(k))),
          fc.tuple(axisOf(2), axisOf(1), axisOf(2)),
        ),
        (n, c, axes) => expectEqual({ n, ...c, axes }, target),
      ),
      { numRuns: 40 },
    ));

  const dense = { inGroup: 3, outGroup: 4, group: 1 };
  const cases: readonly (readonly [string, Example])[] = [
    ['one pixel, 1 × 1', { n: 16, inGroup: 16, outGroup: 16, group: 1, axes: square(1, 1) }],
    [
      'one pixel, 3 × 3 padded',
      { n: 16, inGroup: 16, outGroup: 16, group: 1, axes: square(1, 3, { begin: 1, end: 1 }) },
    ],
    [
      'one pixel, one filter per channel',
      { n: 3, inGroup: 1, outGroup: 1, group: 16, axes: square(1, 3, { begin: 1, end: 1 }) },
    ],
    ['1 × 1 on many pixels', { n: 2, ...dense, axes: square(21, 1) }],
    ['1 × 1 on many pixels, one image', { n: 1, ...dense, axes: square(20, 1) }],
    [
      '1 × 1, stride 2, last row never reached',
      { n: 16, inGroup: 16, outGroup: 16, group: 1, axes: square(6, 1, { stride: 2 }) },
    ],
    ['1 × 1 with pads', { n: 2, ...dense, axes: square(4, 1, { begin: 1, end: 2 }) }],
    ['3 × 3 on a large map', { n: 2, ...dense, axes: square(15, 3, { begin: 1, end: 1 }) }],
    ['3 × 3 on a large map, one-sided pads', { n: 2, ...dense, axes: square(15, 3, { begin: 0, end: 2 }) }],
    [
      '3 × 3, stride 2, TensorFlow pads',
      { n: 16, inGroup: 3, outGroup: 16, group: 1, axes: square(8, 3, { stride: 2, end: 1 }) },
    ],
    ['an even window on a large map', { n: 2, ...dense, axes: square(15, 2, { end: 1 }) }],
    ['an even window, one filter per channel', { n: 2, inGroup: 1, outGroup: 1, group: 16, axes: square(5, 2) }],
    ['dilated on a large map', { n: 2, ...dense, axes: square(17, 3, { dilation: 2, begin: 1, end: 2 }) }],
    ['pads beyond the window', { n: 16, inGroup: 3, outGroup: 16, group: 1, axes: square(4, 2, { begin: 3, end: 3 }) }],
    [
      'one filter per channel, stride 2, odd pads',
      { n: 2, inGroup: 1, outGroup: 1, group: 32, axes: square(7, 3, { stride: 2, end: 1 }) },
    ],
    [
      'one filter per channel, large map',
      { n: 2, inGroup: 1, outGroup: 1, group: 16, axes: square(28, 3, { begin: 1, end: 1 }) },
    ],
  ];
  it.each(cases)('%s', (_name, example) => expectEqual(example, target));

  it('leaves no internal operator', () => {
    for (const [, example] of cases)
      expect(nodesOf(example, target).filter((n) => n.domain === NEVUS_DOMAIN)).toEqual([]);
  });
});

describe('the forms that are picked', () => {
  const filled = { inGroup: 16, outGroup: 16, group: 1 };
  const perChannel = { inGroup: 1, outGroup: 1, group: 16 };

  it('are standard operators where there is no blocked layout', () => {
    for (const example of [
      { n: 16, ...filled, axes: square(9, 3, { stride: 2 }) },
      { n: 16, ...perChannel, axes: square(9, 3) },
      { n: 2, ...filled, axes: square(20, 1) },
    ])
      for (const node of nodesOf(example, PORTABLE)) expect(node.domain).toBe('');
  });

  it('dX is a turned convolution for large maps of stride 1, else ConvTranspose', () => {
    const ops = (axes: Axis[]): Set<string> => opsOf({ n: 2, ...filled, axes }, PORTABLE);
    expect(ops(square(16, 3))).not.toContain('ConvTranspose');
    expect(ops(square(8, 3))).toContain('ConvTranspose');
    expect(ops(square(16, 3, { stride: 2 }))).toContain('ConvTranspose');
    // A turned convolution would need negative pads.
    expect(ops(square(16, 3, { begin: 3 }))).toContain('ConvTranspose');
  });

  it('output_padding names the rows that the last stride never reached', () => {
    const padding = (axes: Axis[]): unknown =>
      intsOf(nodesOf({ n: 2, ...filled, axes }, PORTABLE).find((n) => n.op === 'ConvTranspose')!, 'output_padding', []);
    expect(padding(square(9, 3, { stride: 2 }))).toEqual([0, 0]);
    expect(padding(square(10, 3, { stride: 2 }))).toEqual([1, 1]);
    expect(padding(square(9, 2, { stride: 3, end: 1 }))).toEqual([2, 2]);
  });

  it.skipIf(block === 0)('dW of a strided convolution exchanges batch and channels, where its pads allow it', () => {
    const example = { n: block, inGroup: 3, outGroup: block, group: 1 };
    const exchanged = (axes: Axis[], over: Partial<Example> = {}): boolean =>
      opsOf({ ...example, ...over, axes }, { block }).has(`${BLOCKED_DOMAIN}.Conv`);
    expect(exchanged(square(9, 3, { stride: 2 }))).toBe(true);
    expect(exchanged(square(9, 3, { stride: 2, begin: 1, end: 1 }))).toBe(true);
    // The last row is never reached: its pads would be negative.
    expect(exchanged(square(10, 3, { stride: 2 }))).toBe(false);
    expect(exchanged(square(9, 3, { stride: 2 }), { n: block - 1 })).toBe(false);
    expect(exchanged(square(9, 3, { stride: 2 }), { outGroup: block + 1 })).toBe(false);
    expect(exchanged(square(9, 3))).toBe(false);
  });

  it.skipIf(block === 0)('dW of a 1 × 1 is one product per image from 400 pixels on', () => {
    const perImage = (size: number): boolean =>
      opsOf({ n: 2, ...filled, axes: square(size, 1) }, { block }).has('com.microsoft.FusedMatMul');
    expect(perImage(20)).toBe(true);
    expect(perImage(19)).toBe(false);
  });

  it.skipIf(block === 0)(
    'one filter per channel runs blocked, forward and backward, where channels fill blocks',
    () => {
      const blocks = (group: number, rest: Partial<Axis> = {}): number =>
        nodesOf({ n: 2, ...perChannel, group, axes: square(9, 3, rest) }, { block }).filter(
          (n) => n.op === 'Conv' && n.domain === BLOCKED_DOMAIN,
        ).length;
      expect(blocks(2 * block)).toBe(3);
      // dX is a ConvTranspose when strided.
      expect(blocks(2 * block, { stride: 2 })).toBe(2);
      expect(blocks(block + 1)).toBe(0);
    },
  );
});
