import { expect, it } from 'vitest';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float, type Model } from '../../src/onnx/model.ts';
import { decodeModel, encodeModel } from '../../src/onnx/protobuf.ts';

it('attributes are before they are written what they are when read back', () => {
  const b = graphBuilder();
  b.add('LeakyRelu', ['x'], { alpha: float(0.001) }, { output: 'y' });
  const dims = ['N', 3];
  const model: Model = {
    graph: b.graph([{ name: 'x', dtype: 'float32', dims }], [{ name: 'y', dtype: 'float32', dims }]),
    opset: 18,
    domains: {},
    irVersion: 8,
    producer: 'test',
    metadata: {},
  };
  expect(decodeModel(encodeModel(model)).graph.nodes).toEqual(model.graph.nodes);
});
