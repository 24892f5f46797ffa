import { describe, expect, it } from 'vitest';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { float32 } from '../../src/onnx/model.ts';
import { relativeRates } from '../../src/train/relative-rates.ts';

function graphWith(weights: Readonly<Record<string, { dims: readonly number[]; value: number }>>) {
  const builder = graphBuilder();
  for (const [name, { dims, value }] of Object.entries(weights)) {
    const size = dims.reduce((product, d) => product * d, 1);
    builder.constant(float32(new Float32Array(size).fill(value), dims), name);
  }
  return builder.graph([], []);
}

describe('relativeRates', () => {
  it('is proportional to the root mean square of a kernel', () => {
    const graph = graphWith({ small: { dims: [4, 2, 1, 1], value: 0.02 }, large: { dims: [4, 2, 1, 1], value: -0.7 } });
    const rates = relativeRates(graph, ['small', 'large']);
    expect(rates.get('small')).toBeCloseTo(0.2, 5);
    expect(rates.get('large')).toBeCloseTo(7, 5);
  });

  it('leaves vectors and names that are not in the graph at the plain rate', () => {
    const graph = graphWith({ bias: { dims: [8], value: 3 } });
    expect(relativeRates(graph, ['bias', 'head/logits/kernel']).size).toBe(0);
  });

  it('bounds the factor both ways, so that an empty filter still moves and a huge one does not run away', () => {
    const graph = graphWith({ zero: { dims: [2, 2], value: 0 }, huge: { dims: [2, 2], value: 1e6 } });
    const rates = relativeRates(graph, ['zero', 'huge']);
    expect(rates.get('zero')).toBeCloseTo(1 / 30, 6);
    expect(rates.get('huge')).toBe(30);
  });
});
