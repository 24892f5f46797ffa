/** The mean square of a backbone's features, and its gradients. */
import { differentiate } from '../../src/autodiff/differentiate.ts';
import type { Backbone } from '../../src/backbone/types.ts';
import { blockSize } from '../../src/onnx/blocked.ts';
import { graphBuilder } from '../../src/onnx/builder.ts';
import { ints, type Model, type Tensor } from '../../src/onnx/model.ts';
import { openSession } from '../../src/onnx/session.ts';

const LOSS = 'mean_square';

/** @param weights names of weights @returns features, and ∂(mean of all squared features)/∂w of each weight */
export async function meanSquareGradients(
  { model, input, features }: Backbone,
  image: Tensor,
  weights: readonly string[],
): Promise<{ readonly features: Tensor; readonly gradients: ReadonlyMap<string, Tensor> }> {
  const { graph } = model;
  const b = graphBuilder(graph);
  const square = b.add('Mul', [features, features]);
  b.add('ReduceMean', [square], { keepdims: { kind: 'int', value: 0 }, axes: ints([0, 1, 2, 3]) }, { output: LOSS });
  const outputs = [...graph.outputs, { name: LOSS, dtype: 'float32' as const, dims: [] }];
  const forward: Model = { ...model, graph: b.graph(graph.inputs, outputs) };
  const target = { block: await blockSize() };
  const backward = differentiate(forward, {
    loss: LOSS,
    wrt: weights,
    keep: [features],
    inputShapes: { [input.name]: image.dims },
    target,
  });
  const session = await openSession(backward);
  try {
    const feeds = Object.fromEntries(weights.map((name) => [name, graph.initializers.get(name)!]));
    const results = await session.run({ [input.name]: image, ...feeds });
    return {
      features: results[features]!,
      gradients: new Map(weights.map((w) => [w, results[`grad:${w}`]!])),
    };
  } finally {
    await session.close();
  }
}
