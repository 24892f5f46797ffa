import { describe, expect, it } from 'vitest';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { chooseDevice } from '../../src/onnx/device.ts';
import { openLoop } from '../../src/onnx/loop.ts';
import { float32, int, type Model, type Tensor, type ValueInfo } from '../../src/onnx/model.ts';
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

describe.skipIf(SWIFTSHADER === undefined)('WebGPU on a software renderer', () => {
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
});
