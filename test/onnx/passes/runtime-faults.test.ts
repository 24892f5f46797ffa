import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GraphBuilder } from '../../../src/onnx/builder.ts';
import { type Dim, float32, type Graph, int, ints, type Model, sizeOf, type Tensor } from '../../../src/onnx/model.ts';
import { copyMoments } from '../../../src/onnx/passes/running-moments.ts';
import { avoidFaults } from '../../../src/onnx/passes/runtime-faults.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { expectNear, modelOf, random, run } from './model.ts';
import { naivePool, type Pool } from './naive-pool.ts';

type Feeds = Readonly<Record<string, Tensor>>;

const cured = (model: Model): Model => ({ ...model, graph: avoidFaults(model.graph, model.opset) });
const values = (t: Tensor | undefined): number[] => Array.from(t?.data ?? [], Number);

/** With every optimisation, as models are run by default. */
async function optimised(model: Model, feeds: Feeds, runs = 1): Promise<Record<string, number[]>> {
  const session = await openSession(model, { threads: 1 });
  let results = await session.run(feeds);
  for (let i = 1; i < runs; i++) results = await session.run(feeds);
  await session.close();
  return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, values(t)]));
}

describe('vectors in matrix products', () => {
  const square = (b: GraphBuilder, from = 'x'): string => b.add('Transpose', [from], { perm: ints([0, 2, 1]) });
  const vector = (b: GraphBuilder): string => b.constant(random(2, [3]));
  const cases: Record<string, (b: GraphBuilder) => readonly Dim[]> = {
    'a constant on the right': (b) => {
      b.add('MatMul', [square(b), vector(b)], {}, { output: 'y' });
      return ['N', 3];
    },
    'a constant on the left': (b) => {
      b.add('MatMul', [vector(b), square(b)], {}, { output: 'y' });
      return ['N', 3];
    },
    'a vector that is computed': (b) => {
      const computed = b.add('Reshape', [b.add('Exp', [vector(b)]), b.ints([-1])]);
      b.add('MatMul', [square(b), computed], {}, { output: 'y' });
      return ['N', 3];
    },
    'behind an operator without a shape rule': (b) => {
      const x = b.add(
        'Cast',
        [
          b.add(
            'BitShift',
            [
              b.add('Cast', ['x'], { to: int(13) }),
              b.constant({ dtype: 'uint64', dims: [], data: BigUint64Array.of(1n) }),
            ],
            { direction: { kind: 'string', value: 'LEFT' } },
          ),
        ],
        { to: int(1) },
      );
      b.add('MatMul', [square(b, x), vector(b)], {}, { output: 'y' });
      return ['N', 3];
    },
    'vectors on both sides': (b) => {
      const row = b.add('MatMul', [vector(b), square(b)]);
      const flat = b.add('Reshape', [b.add('Slice', [row, b.ints([0]), b.ints([1])]), b.ints([3])]);
      b.add('MatMul', [flat, vector(b)], {}, { output: 'y' });
      return [];
    },
  };

  it.each(Object.entries(cases))('are right: %s', async (_, build) => {
    const model = modelOf(['N', 3, 3], (b) => ({ y: build(b) }));
    const x = random(1, [2, 3, 3], true);
    const expected = (await run(model, { x })).y;
    const result = cured(model);
    expectNear((await optimised(result, { x })).y, expected);
    const shape = (g: Graph) => g.nodes.filter((n) => n.op === 'MatMul').map((n) => n.inputs.join());
    expect(shape(result.graph)).not.toEqual(shape(model.graph));
  });

  it('are written for old operator sets too', async () => {
    const model = {
      ...modelOf([3, 3], (b) => {
        const t = b.add('Transpose', ['x'], { perm: ints([1, 0]) });
        b.add('MatMul', [t, vector(b)], {}, { output: 'y' });
        return { y: [3] };
      }),
      opset: 11,
    };
    const x = random(1, [3, 3]);
    expectNear((await optimised(cured(model), { x })).y, (await run(model, { x })).y);
  });

  it('are the only products that change', () => {
    const model = modelOf(['N', 3, 3], (b) => {
      b.add('MatMul', [square(b), b.constant(random(1, [3, 2]))], {}, { output: 'y' });
      return { y: ['N', 3, 2] };
    });
    expect(cured(model).graph).toBe(model.graph);
  });
});

describe('poolings that round up', () => {
  /** The result is read by a node that knows its shape. */
  function pooling(pool: Pool, opset: number): Model {
    const output = naivePool(pool, new Float32Array(sizeOf(pool.size))).dims;
    const model = modelOf(['N', 1, ...pool.size], (b) => {
      const attributes = {
        kernel_shape: ints(pool.kernel),
        strides: ints(pool.strides),
        pads: ints(pool.pads),
        ...(pool.dilations.every((d) => d === 1) ? {} : { dilations: ints(pool.dilations) }),
        ceil_mode: int(1),
        ...(pool.op === 'AveragePool' ? { count_include_pad: int(pool.countsPadding ? 1 : 0) } : {}),
      };
      const y = b.add(pool.op, ['x'], attributes);
      b.add(
        'Add',
        [y, b.constant(float32(new Float32Array(sizeOf(output)).fill(1), [1, 1, ...output]))],
        {},
        { output: 'y' },
      );
      return { y: ['N', 1, ...output] };
    });
    return { ...model, opset };
  }
  const POOLS = ['MaxPool', 'AveragePool', 'LpPool'] as const;
  const small = {
    kernel: [2, 2],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    dilations: [1, 1],
    size: [3, 3],
    countsPadding: false,
  };

  it.each(POOLS)('load where the last window would lie in the padding: %s', async (op) => {
    const model = pooling({ op, ...small }, 18);
    await expect(optimised(model, { x: random(1, [2, 1, 3, 3]) })).rejects.toThrow('Incompatible dimensions');
    const x = random(1, [1, 1, 3, 3]);
    const expected = naivePool({ op, ...small }, values(x));
    expect(expected.dims).toEqual([2, 2]);
    expectNear(
      (await optimised(cured(model), { x })).y,
      expected.values.map((v) => v + 1),
    );
  });

  it('stay what they are otherwise', () => {
    const fits = pooling({ op: 'MaxPool', ...small, size: [4, 6] }, 18);
    expect(cured(fits).graph).toBe(fits.graph);
    const { graph } = pooling({ op: 'MaxPool', ...small }, 18);
    const free = { ...graph, inputs: [{ name: 'x', dtype: 'float32' as const, dims: ['N', 1, 'H', 'W'] }] };
    expect(avoidFaults(free, 18)).toBe(free);
  });

  it('give the values of the definition, whatever their geometry', async () => {
    const axes = fc.integer({ min: 1, max: 2 }).chain((rank) => {
      const each = (max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: rank, maxLength: rank });
      return fc.record({
        size: each(7),
        kernel: each(3),
        strides: each(4),
        dilations: fc.oneof(
          { weight: 3, arbitrary: fc.constant(Array.from({ length: rank }, () => 1)) },
          { weight: 1, arbitrary: each(2) },
        ),
        fill: fc.array(fc.nat(), { minLength: 2 * rank, maxLength: 2 * rank }),
      });
    });
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(
        axes,
        fc.constantFrom(...POOLS),
        fc.boolean(),
        fc.constantFrom(18, 19, 22),
        async (geometry, op, countsPadding, opset) => {
          const { kernel, fill, ...rest } = geometry;
          const dilations = opset < 19 && op !== 'MaxPool' ? kernel.map(() => 1) : geometry.dilations;
          const pads = fill.map((p, i) => p % kernel[i % kernel.length]!);
          const pool: Pool = { op, ...rest, kernel, dilations, pads, countsPadding };
          const room = kernel.map(
            (k, i) => rest.size[i]! + pads[i]! + pads[i + kernel.length]! - dilations[i]! * (k - 1) - 1,
          );
          fc.pre(room.every((r) => r >= 0));
          const x = random(sizeOf(fill.map((f) => (f % 7) + 1)), [1, 1, ...pool.size]);
          const expected = naivePool(pool, values(x));
          fc.pre(expected.values.every(Number.isFinite));
          const model = pooling(pool, opset);
          const result = cured(model);
          if (result.graph !== model.graph) changed++;
          // What no padding can say; see `wholeWindows`.
          const beyond =
            op === 'AveragePool' && countsPadding && opset < 22 && pool.strides.some((s, i) => s > kernel[i]!);
          if (beyond && result.graph === model.graph) return;
          expectNear(
            (await optimised(result, { x })).y,
            expected.values.map((v) => v + 1),
          );
        },
      ),
      { numRuns: 400, seed: 7 },
    );
    expect(changed).toBeGreaterThan(20);
  });
});

describe('running moments', () => {
  const norm = (b: GraphBuilder, mean: string, variance: string): Record<string, readonly Dim[]> => {
    b.push({
      op: 'BatchNormalization',
      domain: '',
      name: 'norm',
      inputs: ['x', b.floats([1, 1]), b.floats([0, 0]), mean, variance],
      outputs: ['y', 'mean_1', 'variance_1'],
      attributes: { training_mode: int(1) },
    });
    for (const name of ['mean', 'variance'])
      b.add('Reshape', [`${name}_1`, b.ints([2])], {}, { output: `new_${name}` });
    return { y: ['N', 2, 3], new_mean: [2], new_variance: [2] };
  };
  const x = random(3, [4, 2, 3]);

  it('leave what is fed as it was', async () => {
    const model = modelOf(['N', 2, 3], (b) => norm(b, b.add('Identity', ['mean']), 'variance'));
    const inputs = [
      ...model.graph.inputs,
      ...['mean', 'variance'].map((name) => ({ name, dtype: 'float32' as const, dims: [2] })),
    ];
    const graph = copyMoments({ ...model.graph, inputs });
    const feeds = { x, mean: float32([1, 2], [2]), variance: float32([3, 4], [2]) };
    const once = await optimised({ ...model, graph }, feeds);
    expect([values(feeds.mean), values(feeds.variance)]).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(await optimised({ ...model, graph }, feeds, 3)).toEqual(once);
    expectNear(once.new_mean, (await run({ ...model, graph: { ...model.graph, inputs } }, feeds)).new_mean);
  });

  it('start from the same constants in every run', async () => {
    const model = modelOf(['N', 2, 3], (b) => norm(b, b.floats([1, 2]), b.floats([3, 4])));
    const result = { ...model, graph: copyMoments(model.graph) };
    const once = await optimised(result, { x });
    expect(once).toEqual(await run(model, { x }));
    expect(await optimised(result, { x }, 3)).toEqual(once);
  });

  it('are the only thing that is copied', () => {
    const model = modelOf(['N', 2], (b) => ({ [b.add('Exp', ['x'])]: ['N', 2] }));
    expect(copyMoments(model.graph)).toBe(model.graph);
  });
});
