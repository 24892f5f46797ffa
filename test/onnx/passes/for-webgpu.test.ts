import { describe, expect, it } from 'vitest';
import { rngOf } from '../../../src/core/rng.ts';
import { graphBuilder } from '../../../src/onnx/builder.ts';
import { float32, int, type Model, sizeOf, string, type Tensor, type ValueInfo } from '../../../src/onnx/model.ts';
import { forWebgpu } from '../../../src/onnx/passes/for-webgpu.ts';
import { openSession } from '../../../src/onnx/session.ts';

type Build = (b: ReturnType<typeof graphBuilder>) => void;

function modelOf(build: Build, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[], opset = 18): Model {
  const b = graphBuilder({ nodes: [], initializers: new Map(), inputs });
  build(b);
  return { graph: b.graph(inputs, outputs), opset, domains: {}, irVersion: 8, producer: 'nevus', metadata: {} };
}
const value = (name: string, dims: ValueInfo['dims'], dtype: ValueInfo['dtype'] = 'float32'): ValueInfo => ({
  name,
  dims,
  dtype,
});
const random = (dims: readonly number[], seed: number): Tensor => {
  const rng = rngOf(seed, 'for-webgpu');
  return float32(
    Float32Array.from({ length: sizeOf(dims) }, () => rng.uniform(-30, 30)),
    dims,
  );
};
const ops = ({ graph }: Model): string[] => graph.nodes.map((n) => n.op);

async function run(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<number[]> {
  const session = await openSession(model, { optimization: 'disabled', threads: 1 });
  const { y } = await session.run(feeds);
  await session.close();
  return Array.from(y!.data, Number);
}

describe('the form for WebGPU', () => {
  it('of a Sum of several shapes is a chain of Add, in the same order', async () => {
    const inputs = [value('a', [2, 3]), value('b', [3]), value('c', []), value('d', [2, 1])];
    const model = modelOf((b) => b.add('Sum', ['a', 'b', 'c', 'd'], {}, { output: 'y' }), inputs, [value('y', [2, 3])]);
    const { model: fitting } = forWebgpu(model, true);
    expect(ops(fitting)).toEqual(['Add', 'Add', 'Add']);
    const feeds = { a: random([2, 3], 1), b: random([3], 2), c: random([], 3), d: random([2, 1], 4) };
    expect(await run(fitting, feeds)).toEqual(await run(model, feeds));
  });

  it('of a Sum of one is that one', () => {
    const model = modelOf((b) => b.add('Sum', ['a'], {}, { output: 'y' }), [value('a', [2])], [value('y', [2])]);
    expect(ops(forWebgpu(model, true).model)).toEqual(['Identity']);
  });

  it.each([-1, 0, 1, 2])('of LogSoftmax has its values, large ones too: axis %s', async (axis) => {
    const dims = [3, 4, 5];
    const model = modelOf(
      (b) => b.add('LogSoftmax', ['x'], { axis: int(axis) }, { output: 'y' }),
      [value('x', dims)],
      [value('y', dims)],
    );
    const { model: fitting } = forWebgpu(model, true);
    expect(ops(fitting)).not.toContain('LogSoftmax');
    const feeds = { x: random(dims, 5) };
    const [expected, got] = [await run(model, feeds), await run(fitting, feeds)];
    got.forEach((v, i) => {
      expect(Math.abs(v - expected[i]!)).toBeLessThan(1e-5);
    });
  });

  it('leaves older operator sets their LogSoftmax, whose ReduceMax has other inputs', () => {
    const model = modelOf(
      (b) => b.add('LogSoftmax', ['x'], {}, { output: 'y' }),
      [value('x', [2])],
      [value('y', [2])],
      17,
    );
    expect(ops(forWebgpu(model, true).model)).toEqual(['LogSoftmax']);
  });

  it('names an antialiased Resize for the processor, without a name too', () => {
    const build: Build = (b) => {
      const attributes = { mode: string('linear'), antialias: int(1) };
      const small = b.add('Resize', ['x', '', '', b.ints([1, 3, 4, 4])], attributes, { name: 'shrink' });
      b.push({
        op: 'Resize',
        domain: '',
        name: '',
        inputs: [small, '', '', b.ints([1, 3, 2, 2])],
        outputs: ['z'],
        attributes,
      });
      b.add('Resize', ['z', '', '', b.ints([1, 3, 8, 8])], { mode: string('linear') }, { name: 'grow', output: 'y' });
    };
    const model = modelOf(build, [value('x', [1, 3, 8, 8])], [value('y', [1, 3, 8, 8])]);
    const { model: fitting, onCpu } = forWebgpu(model, true);
    expect(onCpu).toEqual(fitting.graph.nodes.slice(0, 2).map((n) => n.name));
    expect(new Set([...onCpu, '', 'grow']).size).toBe(4);
  });

  describe('without float16', () => {
    const build: Build = (b) => {
      const x = b.add('Cast', ['x'], { to: int(1) });
      b.add('Cast', [b.add('Relu', [x])], { to: int(10) }, { output: 'y' });
    };
    const [x, y] = [value('x', [3], 'float16'), value('y', [3], 'float16')];

    it('takes and gives float32 at its ends', async () => {
      const { model, widened } = forWebgpu(modelOf(build, [x], [y]), false);
      expect([...widened]).toEqual(['x', 'y']);
      expect([...model.graph.inputs, ...model.graph.outputs].map((v) => v.dtype)).toEqual(['float32', 'float32']);
      expect(await run(model, { x: float32([-1, 0.3, 2], [3]) })).toEqual([0, Math.fround(0.3), 2]);
    });

    it('is left as it is where the device has it, or where the number is used as it is', () => {
      expect(forWebgpu(modelOf(build, [x], [y]), true).widened.size).toBe(0);
      const direct = modelOf((b) => b.add('Relu', ['x'], {}, { output: 'y' }), [x], [y]);
      expect(forWebgpu(direct, false).model.graph).toEqual(direct.graph);
      const through = modelOf((b) => b.add('Cast', ['x'], { to: int(1) }, { output: 'y' }), [x], [x, value('y', [3])]);
      expect([...forWebgpu(through, false).widened]).toEqual([]);
    });
  });
});
