import fc from 'fast-check';
import { expect, it } from 'vitest';
import { graphBuilder } from '../../../src/onnx/builder.ts';
import { type Graph, int64, ints, sizeOf } from '../../../src/onnx/model.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { inferShapes } from '../../../src/onnx/shapes/infer.ts';

/** A chain of one Slice and one Transpose of a constant, as exporters write around the pads of Pad. */
const chain = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }).chain((dims) =>
  fc.record({
    dims: fc.constant(dims),
    perm: fc.option(fc.shuffledSubarray([...dims.keys()], { minLength: dims.length })),
    axis: fc.integer({ min: -dims.length, max: dims.length - 1 }),
    start: fc.integer({ min: -5, max: 5 }),
    end: fc.constantFrom(-6, -3, -1, 0, 1, 2, 4, Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER),
    step: fc.constantFrom(1, 2, -1, -2),
  }),
);

it('works out slices and transposes of whole numbers as onnxruntime does', async () => {
  await fc.assert(
    fc.asyncProperty(chain, async ({ dims, perm, axis, start, end, step }) => {
      const b = graphBuilder();
      const x = b.constant(int64([...Array(sizeOf(dims)).keys()], dims));
      const cut = b.add('Slice', [x, b.ints([start]), b.ints([end]), b.ints([axis]), b.ints([step])]);
      b.add('Transpose', [cut], perm === null ? {} : { perm: ints(perm) }, { output: 'y' });
      const graph: Graph = b.graph([], []);
      const { infos, constants } = inferShapes(graph);
      const folded = constants.get('y')!;
      const y = { name: 'y', ...infos.get('y')! };
      const model = { opset: 18, domains: {}, irVersion: 8, producer: 'test', metadata: {} };
      const session = await openSession({ graph: { ...graph, outputs: [y] }, ...model }, { threads: 1 });
      const run = (await session.run({})).y!;
      await session.close();
      expect({ dims: [...folded.dims], data: folded.data }).toEqual({ dims: [...run.dims], data: run.data });
    }),
    { numRuns: 60, seed: 1 },
  );
});
