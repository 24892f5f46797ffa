import { describe, expect, it } from 'vitest';
import { tailGraph } from '../../src/features/trunk.ts';
import { type GraphBuilder, graphBuilder } from '../../src/onnx/builder.ts';
import { float32, type Graph, scalar } from '../../src/onnx/model.ts';
import { blockUnits, layerUnits } from '../../src/train/units.ts';
import { loadIfReachable } from '../backbone/reachable.ts';
import { tinyBackbone } from '../model/tiny.ts';
import { LAYERS, tinyTail } from './tiny-tail.ts';

describe("InceptionV3's tail", async () => {
  const backbone = await loadIfReachable('inception_v3');

  it.skipIf(backbone === undefined)('has one unit per Conv, with its BatchNormalization, top first', () => {
    const graph = tailGraph(backbone!, 'mixed7')!;
    const convs = graph.nodes.filter((n) => n.op === 'Conv');
    const units = layerUnits(graph);
    expect(units.length).toBe(24);
    expect(units.map((u) => u.name)).toEqual(convs.map((n) => n.name).reverse());
    for (const { name, weights } of units) {
      const conv = convs.find((n) => n.name === name)!;
      const norm = graph.nodes.find((n) => n.op === 'BatchNormalization' && n.inputs[0] === conv.outputs[0])!;
      // The running statistics are never trained.
      expect(weights).toEqual([conv.inputs[1], norm.inputs[1], norm.inputs[2]]);
    }
  });

  it.skipIf(backbone === undefined)('has one unit per block, top first, that together hold every layer', () => {
    const graph = tailGraph(backbone!, 'mixed5')!;
    const blocks = blockUnits(graph, backbone!);
    expect(blocks.map((b) => b.name)).toEqual(['mixed10', 'mixed9', 'mixed8', 'mixed7', 'mixed6']);
    expect(blocks.map((b) => b.weights.length / 3)).toEqual([9, 9, 6, 10, 10]);
    const layers = layerUnits(graph).flatMap((u) => u.weights);
    expect(blocks.flatMap((b) => b.weights)).toEqual(layers);
    expect(new Set(layers).size).toBe(layers.length);
  });
});

/** A graph from `x` [N, 4]. */
function graphOf(build: (b: GraphBuilder, w: (name: string, dims: readonly number[]) => string) => string): Graph {
  const b = graphBuilder();
  const y = build(b, (name, dims) =>
    b.constant(float32(new Float32Array(dims.reduce((a, d) => a * d, 1)), dims), name),
  );
  return b.graph([{ name: 'x', dtype: 'float32', dims: ['N', 4] }], [{ name: y, dtype: 'float32', dims: ['N', 4] }]);
}

describe('units', () => {
  it('of a small tail', () => {
    const units = layerUnits(tinyTail().graph!);
    expect(units.map((u) => u.weights)).toEqual(LAYERS);
    expect(units.map((u) => u.name)).toEqual(['three', 'two', 'one']);
  });

  it('of blocks end at the cut points', () => {
    const backbone = tinyBackbone();
    const blocks = blockUnits(backbone.model.graph, backbone);
    expect(blocks).toEqual([
      { name: 'block_2', weights: ['resize/kernel', 'resize/gamma', 'resize/beta'] },
      { name: 'block_1', weights: ['pixels/kernel', 'pixels/gamma', 'pixels/beta'] },
    ]);
  });

  it('give a bias that is added later to its kernel, through an activation too', () => {
    const graph = graphOf((b, w) => {
      const product = b.add('MatMul', ['x', w('kernel', [4, 4])], {}, { name: 'dense' });
      const sum = b.add('Add', [product, w('bias', [4])]);
      return b.add('PRelu', [sum, w('slope', [4])]);
    });
    expect(layerUnits(graph)).toEqual([{ name: 'dense', weights: ['kernel', 'bias', 'slope'] }]);
  });

  it('hold a shared weight once', () => {
    const graph = graphOf((b, w) => {
      const kernel = w('kernel', [4, 4]);
      const once = b.add('MatMul', ['x', kernel], {}, { name: 'first' });
      return b.add('MatMul', [once, kernel], {}, { name: 'second' });
    });
    expect(layerUnits(graph)).toEqual([{ name: 'first', weights: ['kernel'] }]);
  });

  it('leave out constants of formulas: numbers are no weights, whatever their shape', () => {
    const graph = graphOf((b, w) => {
      const dense = b.add('MatMul', ['x', w('kernel', [4, 4])], {}, { name: 'dense' });
      // x · clip(x + 3, 0, 6) / 6, as some exporters write HardSwish
      const three = b.constant(float32([3], [1]), 'three');
      const clipped = b.add('Clip', [b.add('Add', [dense, three]), b.constant(scalar(0)), b.constant(scalar(6))]);
      const sixth = b.constant(float32([1 / 6], [1, 1]), 'sixth');
      return b.add('Mul', [dense, b.add('Mul', [clipped, sixth])]);
    });
    expect(layerUnits(graph)).toEqual([{ name: 'dense', weights: ['kernel'] }]);
  });

  it('leave out what comes before the first layer, unless it is a normalisation', () => {
    const preprocessing = graphOf((b, w) => {
      const scaled = b.add('Add', [b.add('Mul', ['x', w('scale', [4])]), w('offset', [4])]);
      return b.add('MatMul', [scaled, w('kernel', [4, 4])], {}, { name: 'dense' });
    });
    expect(layerUnits(preprocessing)).toEqual([{ name: 'dense', weights: ['kernel'] }]);
    const norm = graphOf((b, w) => {
      const normed = b.add('LayerNormalization', ['x', w('gamma', [4]), w('beta', [4])], {}, { name: 'norm' });
      return b.add('MatMul', [normed, w('kernel', [4, 4])], {}, { name: 'dense' });
    });
    expect(layerUnits(norm)).toEqual([
      { name: 'dense', weights: ['kernel'] },
      { name: 'norm', weights: ['gamma', 'beta'] },
    ]);
  });
});
