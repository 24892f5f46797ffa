import { describe, expect, it } from 'vitest';
import { appendGradients } from '../../../src/autodiff/append-gradients.ts';
import { lower, PORTABLE } from '../../../src/autodiff/lower/lower.ts';
import { type GraphBuilder, graphBuilder } from '../../../src/onnx/builder.ts';
import { float, type Graph, int, ints, type Tensor } from '../../../src/onnx/model.ts';
import { absorbBatchNorm } from '../../../src/onnx/passes/absorb-batch-norm.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { runnable } from '../../../src/train/fixed-batch.ts';
import { expectNear, random } from './model.ts';

const X = [2, 4, 5, 5];

/** A graph whose weights are named as given, from `x` to `y`. */
function graphOf(build: (b: GraphBuilder) => string, outputs: readonly string[] = ['y']): Graph {
  const b = graphBuilder();
  b.add('Identity', [build(b)], {}, { output: 'y' });
  return b.graph(
    [{ name: 'x', dtype: 'float32', dims: X }],
    outputs.map((name) => ({ name, dtype: 'float32', dims: ['N', 'C', 'H', 'W'] })),
  );
}

/** BatchNormalization over a tensor of `n` channels. */
function norm(b: GraphBuilder, x: string, n: number): string {
  const statistics: Readonly<Record<string, Tensor>> = {
    gamma: random(11, [n]),
    beta: random(12, [n]),
    mean: random(13, [n]),
    variance: random(14, [n], true),
  };
  const inputs = Object.entries(statistics).map(([name, tensor]) => b.constant(tensor, name));
  return b.add('BatchNormalization', [x, ...inputs], { epsilon: float(1e-3) }, { name: 'norm' });
}

/** Value of `y`, and gradients of Σ y² by x and the weights. */
async function valueAndGradients(graph: Graph, wrt: readonly string[]): Promise<number[][]> {
  const fed = new Map([['x', random(1, X)], ...wrt.map((name) => [name, graph.initializers.get(name)!] as const)]);
  const inputs = [...fed].map(([name, { dims }]) => ({ name, dtype: 'float32', dims }) as const);
  const constants = new Map([...graph.initializers].filter(([name]) => !fed.has(name)));
  const forward = graphBuilder({ nodes: graph.nodes, initializers: constants, inputs });
  const loss = forward.add('ReduceSumSquare', ['y'], { keepdims: int(0) });
  const { builder, gradients, infos } = appendGradients(forward.graph(inputs, []), { loss, wrt: ['x', ...wrt] });
  const names = ['y', ...['x', ...wrt].map((name) => gradients.get(name)!)];
  const dims = [infos.get('y')!.dims, ...[...fed.values()].map((tensor) => tensor.dims)];
  const outputs = names.map((name, i) => ({ name, dtype: 'float32', dims: dims[i]! }) as const);
  const session = await openSession(
    runnable(lower(builder.graph(inputs, outputs), PORTABLE, (n) => infos.get(n)!.dims)),
  );
  const results = await session.run(Object.fromEntries(fed));
  await session.close();
  return names.map((name) => Array.from(results[name]!.data, Number));
}

const ops = (graph: Graph): string[] => graph.nodes.map((n) => n.op);

describe('a BatchNormalization taken into its Conv', () => {
  const pads = ints([1, 1, 1, 1]);
  it.each([
    [
      'without bias',
      (b: GraphBuilder) => b.add('Conv', ['x', b.constant(random(2, [6, 4, 3, 3]), 'w')], { pads }),
      ['w'],
    ],
    [
      'with bias',
      (b: GraphBuilder) =>
        b.add('Conv', ['x', b.constant(random(2, [6, 4, 1, 1]), 'w'), b.constant(random(3, [6]), 'b')], {}),
      ['w', 'b'],
    ],
    [
      'one filter per channel, strided',
      (b: GraphBuilder) =>
        b.add('Conv', ['x', b.constant(random(2, [4, 1, 3, 3]), 'w')], { pads, group: int(4), strides: ints([2, 2]) }),
      ['w'],
    ],
  ])('has the same values and gradients: %s', async (_, conv, weights) => {
    const graph = graphOf((b) => {
      const y = conv(b);
      return norm(b, y, b.initializers.get('w')!.dims[0]!);
    });
    const absorbed = absorbBatchNorm(graph);
    expect(ops(graph)).toContain('BatchNormalization');
    expect(ops(absorbed)).not.toContain('BatchNormalization');
    const wrt = [...weights, 'gamma', 'beta'];
    const [before, after] = [await valueAndGradients(graph, wrt), await valueAndGradients(absorbed, wrt)];
    for (const [i, values] of before.entries()) expectNear(after[i], values, 1e-5);
  });

  const conv = (b: GraphBuilder): string =>
    b.add('Conv', ['x', b.constant(random(2, [6, 4, 1, 1]), 'w')], {}, { name: 'conv', output: 'c' });

  it('stays where the Conv is read by others too', () => {
    const graph = graphOf((b) => {
      const y = conv(b);
      return b.add('Add', [norm(b, y, 6), y]);
    });
    expect(ops(absorbBatchNorm(graph))).toEqual(ops(graph));
  });

  it('stays where the result of the Conv is asked for', () => {
    const graph = graphOf((b) => norm(b, conv(b), 6), ['y', 'c']);
    expect(ops(absorbBatchNorm(graph))).toEqual(ops(graph));
  });

  it('stays where it takes the statistics of the batch', () => {
    const graph = graphOf((b) => {
      norm(b, conv(b), 6);
      const inputs = ['c', 'gamma', 'beta', 'mean', 'variance'];
      return b.addMany('BatchNormalization', inputs, 3, { training_mode: int(1) }, { name: 'training' })[0]!;
    });
    const training = { ...graph, nodes: graph.nodes.filter((n) => n.name !== 'norm') };
    expect(ops(absorbBatchNorm(training))).toEqual(ops(training));
  });

  it('stays without a Conv before it', () => {
    const graph = graphOf((b) => norm(b, b.add('Relu', ['x']), 4));
    expect(ops(absorbBatchNorm(graph))).toEqual(ops(graph));
  });
});
