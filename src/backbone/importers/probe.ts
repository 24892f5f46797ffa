/** Shapes of tensors, found by running the model once: right for every operator that the runtime has. */
import { ModelError } from '../../core/errors.ts';
import { zeros } from '../../onnx/data-types.ts';
import type { Model, Node, ValueInfo } from '../../onnx/model.ts';
import { extract } from '../../onnx/passes/extract.ts';
import { openSession } from '../../onnx/session.ts';

const BATCH = 2;

/**
 * Runs a batch of two black images; a `Shape` node after each tensor tells its size.
 *
 * @param input the model's image input, of fixed size
 * @param tensors names of tensors of the graph
 * @returns shape of one example by tensor; tensors whose first dimension is not the batch are left out
 * @throws {ModelError} if the model does not run on a batch of two
 */
export async function probe(
  model: Model,
  input: ValueInfo,
  tensors: readonly string[],
  where: string,
): Promise<Map<string, readonly number[]>> {
  const dims = input.dims.map((d, i) => (i === 0 ? BATCH : Number(d)));
  const shapeOf = (i: number): string => `nevus/shape_${i}`;
  const nodes = tensors.map(
    (name, i): Node => ({
      op: 'Shape',
      domain: '',
      name: shapeOf(i),
      inputs: [name],
      outputs: [shapeOf(i)],
      attributes: {},
    }),
  );
  const outputs = tensors.map((_, i): ValueInfo => ({ name: shapeOf(i), dtype: 'int64', dims: [`rank_${i}`] }));
  const probed = { ...model, graph: { ...model.graph, nodes: [...model.graph.nodes, ...nodes] } };
  const session = await openSession(extract(probed, { inputs: [input], outputs }), { optimization: 'basic' });
  try {
    const results = await session.run({ [input.name]: zeros('float32', dims) });
    const shapes = new Map<string, readonly number[]>();
    tensors.forEach((name, i) => {
      const [batch, ...rest] = Array.from(results[shapeOf(i)]?.data ?? [], Number);
      if (batch === BATCH) shapes.set(name, rest);
    });
    return shapes;
  } catch (error) {
    throw new ModelError(
      'backbone/batch',
      `${where}: expected a network that takes any number of images of ${dims.slice(1).join(' × ')}, got one that fails on ${BATCH}`,
      'Export it with a free batch size (dynamic axes).',
      { cause: error },
    );
  } finally {
    await session.close();
  }
}
