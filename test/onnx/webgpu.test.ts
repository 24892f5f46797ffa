import { describe, expect, it } from 'vitest';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { chooseDevice } from '../../src/onnx/device.ts';
import { openLoop } from '../../src/onnx/loop.ts';
import {
  type Attributes,
  float32,
  int,
  int64,
  ints,
  type Model,
  sizeOf,
  string,
  type Tensor,
  type ValueInfo,
} from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';
import { SWIFTSHADER } from './swiftshader.ts';

const value = (name: string, dims: ValueInfo['dims'], dtype: ValueInfo['dtype'] = 'float32'): ValueInfo => ({
  name,
  dims,
  dtype,
});
const modelOf = (graph: Model['graph']): Model => ({
  graph,
  opset: 18,
  domains: {},
  irVersion: 8,
  producer: 'nevus',
  metadata: {},
});

/** w ← w − r w, and the sum of w as it was. */
function decay(): Model {
  const b = graphBuilder();
  b.add('ReduceSum', ['w', b.ints([0])], { keepdims: int(0) }, { output: 'sum' });
  b.add('Sub', ['w', b.add('Mul', ['w', 'r'])], {}, { output: 'next:w' });
  return modelOf(b.graph([value('w', [4]), value('r', [])], [value('sum', []), value('next:w', [4])]));
}

describe.skipIf(SWIFTSHADER === undefined)('WebGPU on a software renderer', { timeout: 300_000 }, () => {
  it('is taken when it is named, and left by auto, which says why', async () => {
    expect(await chooseDevice('webgpu')).toBe('webgpu');
    const said: string[] = [];
    expect(await chooseDevice('auto', (text) => said.push(text))).toBe('cpu');
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/webgpu is \d+ times slower than the processor: a software renderer.*, using cpu$/);
  });

  it.each(['cpu', 'webgpu'] as const)('carries values from run to run: %s', async (device) => {
    const start = Float32Array.from([1, 2, 3, 4]);
    const loop = await openLoop(decay(), [{ input: 'w', output: 'next:w', dims: [4], start }], { device });
    const run = async (r: number): Promise<number> => Number((await loop.run({ r: float32([r], []) })).sum!.data[0]);
    const now = async (): Promise<number[]> => Array.from((await loop.read()).get('w')!.data, Number);
    expect(await now()).toEqual([1, 2, 3, 4]);
    expect(await run(0.5)).toBe(10);
    // Not advanced: the run counts for nothing.
    expect(await now()).toEqual([1, 2, 3, 4]);
    expect(await run(0.5)).toBe(10);
    loop.advance();
    expect(await now()).toEqual([0.5, 1, 1.5, 2]);
    for (let i = 0; i < 20; i++) {
      await run(0.25);
      loop.advance();
    }
    (await now()).forEach((w, i) => {
      expect(w).toBeCloseTo(0.75 ** 20 * [0.5, 1, 1.5, 2][i]!, 6);
    });
    expect([...start]).toEqual([1, 2, 3, 4]);
    await loop.close();
  });

  it('takes and gives float16 on a device that does not have it', async () => {
    const b = graphBuilder();
    const wide = b.add('Cast', ['x'], { to: int(1) });
    b.add('Cast', [b.add('Mul', [wide, b.scalar(3)])], { to: int(10) }, { output: 'y' });
    const model = modelOf(b.graph([value('x', [4], 'float16')], [value('y', [4], 'float16')]));
    const x: Tensor = { dtype: 'float16', dims: [4], data: Uint16Array.from([0x3c00, 0xbc01, 0x0001, 0x7bff]) };
    const into: Tensor = { dtype: 'float16', dims: [4], data: new Uint16Array(4) };
    const answers: Uint16Array[] = [];
    for (const device of ['cpu', 'webgpu'] as const) {
      const session = await openSession(model, { device });
      const { y } = await session.run({ x });
      await session.run({ x }, { y: into });
      expect(into.data).toEqual(y!.data);
      expect(y!.dtype).toBe('float16');
      answers.push(Uint16Array.from(y!.data, Number));
      await session.close();
    }
    expect(answers[1]).toEqual(answers[0]);
  });

  describe('leaves to the processor what its provider refuses or computes wrongly:', () => {
    const wave = (...dims: readonly number[]): Tensor =>
      float32(
        Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(1.7 * i + dims.length)),
        dims,
      );
    const antialias = { mode: string('linear'), antialias: int(1) };
    it.each<[string, string, readonly (Tensor | undefined)[], Attributes?, number?]>([
      ['a Slice backwards from within', 'Slice', [wave(8), int64([6]), int64([-100]), int64([0]), int64([-3])]],
      ['a Slice backwards from the end', 'Slice', [wave(3, 8), int64([-1]), int64([-100]), int64([1]), int64([-1])]],
      [
        'a transposed convolution of groups with one output',
        'ConvTranspose',
        [wave(2, 12, 5, 4), wave(12, 1, 3, 3)],
        { group: int(6) },
      ],
      ['a transposed depthwise convolution', 'ConvTranspose', [wave(1, 4, 5, 4), wave(4, 1, 3, 3)], { group: int(4) }],
      ['a transposed convolution of a volume', 'ConvTranspose', [wave(1, 2, 3, 4, 3), wave(2, 1, 2, 2, 2)]],
      ['a convolution of a volume in groups', 'Conv', [wave(1, 2, 3, 4, 3), wave(2, 1, 2, 2, 2)], { group: int(2) }],
      ['an Einsum that spreads', 'Einsum', [wave(1, 3), wave(2, 3)], { equation: string('ij,ij->ij') }],
      ['a wrapped Pad that cuts', 'Pad', [wave(6), int64([-2, 3])], { mode: string('wrap') }],
      ['the square of what is not reduced', 'ReduceSumSquare', [wave(2, 3)], { noop_with_empty_axes: int(1) }],
      [
        'the indices of a MaxPool',
        'MaxPool',
        [wave(1, 2, 6, 6)],
        { kernel_shape: ints([3, 3]), strides: ints([2, 2]) },
        2,
      ],
      [
        'the moments of a batch',
        'BatchNormalization',
        [wave(4, 3, 2, 2), wave(3), wave(3), wave(3), float32([1, 2, 3], [3])],
        { training_mode: int(1) },
        3,
      ],
      ['an antialiased Resize', 'Resize', [wave(1, 1, 8, 8), undefined, undefined, int64([1, 1, 3, 3])], antialias],
    ])('%s', async (_, op, inputs, attributes = {}, outputs = 1) => {
      const names = inputs.map((t, i) => (t === undefined ? '' : `x${i}`));
      const fed = inputs.flatMap((t, i) => (t?.dtype === 'float32' ? [[`x${i}`, t] as const] : []));
      const fixed = inputs.flatMap((t, i) => (t?.dtype === 'int64' ? [[`x${i}`, t] as const] : []));
      const infos = fed.map(([name, t]) => value(name, t.dims));
      const b = graphBuilder({ nodes: [], initializers: new Map(fixed), inputs: infos });
      const made = b.addMany(op, names, outputs, attributes);
      const results = made.map((name, i) => {
        const type = op === 'MaxPool' && i === 1 ? 'int64' : 'float32';
        return value(name, ['a', 'b', 'c', 'd', 'e'].slice(0, inputs[0]!.dims.length), type);
      });
      const model = modelOf(
        b.graph(
          infos,
          results.map((r, i) => (i > 0 && op === 'BatchNormalization' ? { ...r, dims: ['f'] } : r)),
        ),
      );
      const [here, there] = await Promise.all(
        (['cpu', 'webgpu'] as const).map(async (device) => {
          const session = await openSession(model, { device, threads: 1 });
          const given = await session.run(Object.fromEntries(fed));
          await session.close();
          return made.map((name) => Array.from(given[name]!.data, Number));
        }),
      );
      made.forEach((name, i) => {
        expect(there![i]!.length).toBe(here![i]!.length);
        there![i]!.forEach((v, k) => {
          expect([name, k, Math.abs(v - here![i]![k]!) < 1e-5]).toEqual([name, k, true]);
        });
      });
    });
  });
});
