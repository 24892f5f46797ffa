import { describe, expect, it } from 'vitest';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { openLoop } from '../../src/onnx/loop.ts';
import { float32, type Model, type ValueInfo } from '../../src/onnx/model.ts';
import { noCopyMessage, withoutCopies } from '../../src/onnx/no-copy.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';

const info = (name: string, dims: readonly (number | string)[]): ValueInfo => ({ name, dtype: 'float32', dims });

/** w′ = w + x, and the sum of w′; with a free dimension, x too. */
function adding(size: number | string): Model {
  const builder = graphBuilder();
  builder.add('Add', ['w', 'x'], {}, { output: 'next' });
  builder.add('ReduceSum', ['next', builder.ints([0])], {}, { output: 'sum' });
  builder.add('Neg', ['x'], {}, { output: 'negative' });
  const graph = builder.graph(
    [info('w', [size]), info('x', [size])],
    [info('next', [size]), info('sum', [1]), info('negative', [size])],
  );
  return { graph, opset: 17, domains: {}, irVersion: 8, producer: 'test', metadata: {} };
}

describe('running without copies', () => {
  it('is what the binding that is installed lets us do', async () => {
    expect(await noCopyMessage()).toContain('onnxruntime cannot run the model');
  });

  it.each([3, 'N'])('gives the same whether outputs have fixed sizes or free ones: %s', async (size) => {
    const carried = [{ input: 'w', output: 'next', dims: [3], start: Float32Array.of(1, 2, 3) }];
    const loop = await openLoop(adding(size), carried, { threads: 1 });
    const x = float32([10, 20, 30], [3]);
    const first = await loop.run({ x });
    expect([...first.sum!.data]).toEqual([66]);
    expect([...first.negative!.data]).toEqual([-10, -20, -30]);
    expect([...(await loop.read()).get('w')!.data]).toEqual([1, 2, 3]);
    loop.advance();
    expect([...(await loop.read()).get('w')!.data]).toEqual([11, 22, 33]);
    const second = await loop.run({ x });
    expect([...second.sum!.data]).toEqual([126]);
    expect([...first.sum!.data]).toEqual([66]);
    await loop.close();
  });

  it('still says what is wrong', async () => {
    const carried = [{ input: 'w', output: 'next', dims: [3], start: Float32Array.of(1, 2, 3) }];
    const loop = await openLoop(adding(3), carried, { threads: 1 });
    await expect(loop.run({ x: float32([1, 2], [2]) })).rejects.toThrow(/cannot run the model.*x/);
    await loop.close();
  });

  it('marks a model without touching what it computes', () => {
    const model = adding(3);
    const marked = withoutCopies(model);
    expect(marked.graph.outputs.slice(1)).toEqual(model.graph.outputs);
    expect(marked.graph.nodes.slice(0, model.graph.nodes.length)).toEqual(model.graph.nodes);
    expect(encodeModel(marked).length).toBeGreaterThan(encodeModel(model).length);
  });
});
