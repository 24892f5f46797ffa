import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelError, ShapeError, UsageError } from '../../../src/core/errors.ts';
import type { GraphBuilder } from '../../../src/onnx/builder.ts';
import {
  float,
  float32,
  type Graph,
  int,
  int64,
  ints,
  type Model,
  type Node,
  scalar,
} from '../../../src/onnx/model.ts';
import { articulationPoints } from '../../../src/onnx/passes/articulation.ts';
import { constantsToInitializers } from '../../../src/onnx/passes/constant-nodes.ts';
import { extract } from '../../../src/onnx/passes/extract.ts';
import { foldBatchNorm } from '../../../src/onnx/passes/fold-batch-norm.ts';
import { guardPools } from '../../../src/onnx/passes/guard-pools.ts';
import { removeIdentities } from '../../../src/onnx/passes/identities.ts';
import { join, renamePrefix } from '../../../src/onnx/passes/join.ts';
import { mergePads } from '../../../src/onnx/passes/merge-pads.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { knownShapes } from '../../../src/onnx/shapes/known.ts';
import { expectNear, modelOf, random, run } from './model.ts';

const IMAGE = [2, 3, 6, 6];
const x = random(9, IMAGE);
const operators = (graph: Graph): string[] => graph.nodes.map((n) => n.op);
const apply = (model: Model, pass: (graph: Graph) => Graph): Model => ({ ...model, graph: pass(model.graph) });

function conv(
  b: GraphBuilder,
  from: string,
  options: { output: string; bias?: boolean; groups?: number; stride?: number },
): string {
  const { output, groups = 1, stride = 1 } = options;
  const kernel = b.constant(random(1, [6, 3 / groups, 3, 3]), `${output}/kernel`);
  const bias = options.bias === true ? [b.constant(random(2, [6]), `${output}/bias`)] : [];
  const attributes = { kernel_shape: ints([3, 3]), group: int(groups), strides: ints([stride, stride]) };
  return b.add('Conv', [from, kernel, ...bias], attributes, { name: `${output}/node`, output });
}
function norm(b: GraphBuilder, from: string, output: string): string {
  const vectors = ['gamma', 'beta', 'mean'].map((n, i) => b.constant(random(3 + i, [6]), `${output}/${n}`));
  const variance = b.constant(random(7, [6], true), `${output}/variance`);
  return b.add(
    'BatchNormalization',
    [from, ...vectors, variance],
    { epsilon: float(1e-3) },
    { name: `${output}/node`, output },
  );
}

describe('foldBatchNorm', () => {
  it.each([
    { bias: false, groups: 1 },
    { bias: true, groups: 1 },
    { bias: true, groups: 3, stride: 2 },
  ])('gives the same values: %j', async (options) => {
    const model = modelOf(['N', 3, 6, 6], (b) => {
      b.add('Relu', [norm(b, conv(b, 'x', { output: 'c', ...options }), 'n')], {}, { output: 'y' });
      return { n: ['N', 6, 'h', 'w'], y: ['N', 6, 'h', 'w'] };
    });
    const folded = apply(model, foldBatchNorm);
    expect(operators(folded.graph)).toEqual(['Conv', 'Relu']);
    expect(folded.graph.initializers.size).toBe(2);
    const [before, after] = [await run(model, { x }), await run(folded, { x })];
    expectNear(after.y, before.y);
    expectNear(after.n, before.n);
    // What was given is not changed.
    expect(operators(model.graph)).toEqual(['Conv', 'BatchNormalization', 'Relu']);
  });

  it('shares kernels between convolutions with different statistics', async () => {
    const model = modelOf(['N', 3, 6, 6], (b) => {
      const kernel = b.constant(random(1, [6, 3, 3, 3]), 'k');
      for (const name of ['a', 'b']) norm(b, b.add('Conv', ['x', kernel], { kernel_shape: ints([3, 3]) }), name);
      b.constant(random(50, [6]), 'b/mean');
      return { a: ['N', 6, 4, 4], b: ['N', 6, 4, 4] };
    });
    const folded = apply(model, foldBatchNorm);
    expect(operators(folded.graph)).toEqual(['Conv', 'Conv']);
    const [before, after] = [await run(model, { x }), await run(folded, { x })];
    expectNear(after.a, before.a);
    expectNear(after.b, before.b);
  });

  it('leaves a convolution that something else reads, or that is an output', () => {
    const read = modelOf(['N', 3, 6, 6], (b) => {
      const c = conv(b, 'x', { output: 'c' });
      b.add('Add', [c, norm(b, c, 'n')], {}, { output: 'y' });
      return { y: ['N', 6, 4, 4] };
    });
    expect(foldBatchNorm(read.graph)).toEqual(read.graph);
    const output = modelOf(['N', 3, 6, 6], (b) => {
      norm(b, conv(b, 'x', { output: 'c' }), 'n');
      return { c: ['N', 6, 4, 4], n: ['N', 6, 4, 4] };
    });
    expect(foldBatchNorm(output.graph)).toEqual(output.graph);
  });
});

/** Two branches between single tensors: x → a → {b, c} → d → e. */
const diamond = (): Model =>
  modelOf(['N', 4], (b) => {
    b.constant(random(1, [4, 4]), 'w');
    b.add('MatMul', ['x', 'w'], {}, { output: 'a', name: 'n_a' });
    b.add('Relu', ['a'], {}, { output: 'b', name: 'n_b' });
    b.add('Tanh', ['a'], {}, { output: 'c', name: 'n_c' });
    b.add('Add', ['b', 'c'], {}, { output: 'd', name: 'n_d' });
    b.add('Sigmoid', ['d'], {}, { output: 'e', name: 'n_e' });
    return { e: ['N', 4] };
  });
const at = (name: string) => ({ name, dtype: 'float32' as const, dims: ['N', 4] });

describe('extract and join', () => {
  const vector = random(5, [3, 4]);

  it('cuts in two, and joins to the same', async () => {
    const model = diamond();
    const first = extract(model, { inputs: [at('x')], outputs: [at('d')] });
    const second = extract(model, { inputs: [at('d')], outputs: ['e'] });
    expect(operators(first.graph)).toEqual(['MatMul', 'Relu', 'Tanh', 'Add']);
    expect(operators(second.graph)).toEqual(['Sigmoid']);
    expect([...first.graph.initializers.keys()]).toEqual(['w']);
    expect(second.graph.initializers.size).toBe(0);
    expect(first.metadata).toEqual({ kept: 'yes' });
    const joined = join(first, second, { d: 'd' });
    expect(joined.graph).toEqual(model.graph);
    const expected = await run(model, { x: vector });
    const middle = await run(first, { x: vector });
    expect(await run(second, { d: float32(middle.d!, [3, 4]) })).toEqual(expected);
    const renamed = renamePrefix(second, 'tail/', new Set(['e']));
    expect(renamed.graph.inputs[0]?.name).toBe('tail/d');
    expect(await run(join(first, renamed, { d: 'tail/d' }), { x: vector })).toEqual(expected);
    const both = join(first, renamed, { d: 'tail/d' }, { keep: ['d'] });
    expect(both.graph.outputs.map((o) => o.name)).toEqual(['d', 'e']);
    expect(Object.keys(await run(both, { x: vector }))).toEqual(['d', 'e']);
  });

  it('chains a model after itself', async () => {
    const model = diamond();
    const twice = join(model, renamePrefix(model, 'again/'), { e: 'again/x' });
    const once = await run(model, { x: vector });
    expect((await run(twice, { x: vector }))['again/e']).toEqual((await run(model, { x: float32(once.e!, [3, 4]) })).e);
  });

  it('says what does not fit', () => {
    const model = diamond();
    const take = (inputs: string[], outputs: string[]) => () =>
      extract(model, { inputs: inputs.map(at), outputs: outputs.map(at) });
    expect(take(['x'], ['z'])).toThrow(UsageError);
    expect(take(['z'], ['e'])).toThrow('tensor z: expected the name of a tensor of the model');
    expect(take(['b'], ['d'])).toThrow('expected d to depend on b only, got a need for x too');
    expect(() => extract(model, { inputs: [at('x')], outputs: ['d'] })).toThrow('expected its type and shape');
    expect(() => join(model, model, { e: 'x' })).toThrow(
      new ModelError('onnx/join', 'join: expected models without common names, got w in both'),
    );
    expect(() => join(model, model, { e: 'y' })).toThrow('expected an input among x, got y');
    expect(() => join(model, { ...model, opset: 18 }, {})).toThrow(
      'expected models of one operator set, got 17 and 18',
    );
    const other = modelOf(['N', 5], (b) => ({ [b.add('Relu', ['x'])]: ['N', 5] }));
    expect(() => join(model, other, { e: 'x' })).toThrow(ShapeError);
  });
});

describe('articulationPoints', () => {
  it('is every tensor that all paths pass through', () => {
    const { graph } = diamond();
    expect(articulationPoints(graph, 'x', ['e'])).toEqual(['x', 'a', 'd', 'e']);
    expect(articulationPoints(graph, 'x', ['b', 'c'])).toEqual(['x', 'a']);
    expect(articulationPoints(graph, 'a', ['d'])).toEqual(['a', 'd']);
    expect(articulationPoints(graph, 'd', ['a'])).toEqual([]);
  });

  it('agrees with taking each tensor away, on random graphs', () => {
    const edges = fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(edges, (choices) => {
        const nodes = choices.map(([a, b], i): Node => {
          const inputs = [`t${a % (i + 1)}`, `t${b % (i + 1)}`];
          return { op: 'Add', domain: '', name: `n${i}`, inputs, outputs: [`t${i + 1}`], attributes: {} };
        });
        const last = `t${nodes.length}`;
        const reaches = (without: string | undefined): boolean => {
          const seen = new Set(without === 't0' ? [] : ['t0']);
          for (const n of nodes)
            if (n.outputs[0] !== without && n.inputs.some((i) => seen.has(i))) seen.add(n.outputs[0]!);
          return seen.has(last);
        };
        const expected = Array.from({ length: nodes.length + 1 }, (_, i) => `t${i}`).filter((t) => !reaches(t));
        expect(articulationPoints({ nodes }, 't0', [last])).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('removeIdentities', () => {
  it('removes Identity and Dropout, and outputs keep their names', async () => {
    const model = modelOf(['N', 4], (b) => {
      const a = b.add('Relu', [b.add('Identity', ['x'])]);
      const d = b.add('Dropout', [
        a,
        b.constant(scalar(0.5)),
        b.constant({ dtype: 'bool', dims: [], data: new Uint8Array(1) }),
      ]);
      b.add('Tanh', [d], {}, { output: 't' });
      b.add('Identity', [b.add('Dropout', [b.add('Abs', [a])])], {}, { output: 'y' });
      return { t: ['N', 4], y: ['N', 4] };
    });
    const less = apply(model, removeIdentities);
    expect(operators(less.graph)).toEqual(['Relu', 'Tanh', 'Abs']);
    expect(less.graph.initializers.size).toBe(0);
    const vector = random(1, [2, 4]);
    expect(await run(less, { x: vector })).toEqual(await run(model, { x: vector }));
  });

  it('keeps what is needed: an output that is the input, two names of one output, Dropout that trains', async () => {
    const model = modelOf(['N', 4], (b) => {
      b.add('Identity', ['x'], {}, { output: 'same' });
      const a = b.add('Relu', ['x'], {}, { output: 'a' });
      b.add('Identity', [a], {}, { output: 'again' });
      const c = b.add('Abs', ['x']);
      for (const output of ['c1', 'c2']) b.add('Identity', [c], {}, { output });
      return { same: ['N', 4], a: ['N', 4], again: ['N', 4], c1: ['N', 4], c2: ['N', 4] };
    });
    const less = apply(model, removeIdentities);
    const vector = random(1, [2, 4]);
    expect(await run(less, { x: vector })).toEqual(await run(model, { x: vector }));
    const training = modelOf(['N', 4], (b) => {
      const yes = b.constant({ dtype: 'bool', dims: [], data: Uint8Array.of(1) });
      b.add('Dropout', ['x', b.constant(scalar(0.5)), yes], {}, { output: 'y' });
      return { y: ['N', 4] };
    });
    expect(removeIdentities(training.graph)).toEqual(training.graph);
  });
});

describe('constantsToInitializers', () => {
  it('reads every way to write a constant', () => {
    const { graph } = modelOf([2], (b) => {
      const value = (attributes: Node['attributes']) => b.add('Constant', [], attributes, { name: 'k' });
      b.add('Sum', [
        value({ value: { kind: 'tensor', value: float32([1, 2], [2]) } }),
        value({ value_float: float(3) }),
        value({ value_floats: { kind: 'floats', value: [4, 5] } }),
        value({ value_int: int(6) }),
        value({ value_ints: ints([7, 8]) }),
      ]);
      return {};
    });
    const { nodes, initializers } = constantsToInitializers(graph);
    expect(nodes.map((n) => n.op)).toEqual(['Sum']);
    expect(nodes[0]?.inputs.map((i) => initializers.get(i))).toEqual([
      float32([1, 2], [2]),
      scalar(3),
      float32([4, 5], [2]),
      int64([6], []),
      int64([7, 8]),
    ]);
    const text = modelOf([2], (b) => ({
      [b.add('Constant', [], { value_string: { kind: 'string', value: 'a' } })]: [],
    }));
    expect(() => constantsToInitializers(text.graph)).toThrow('expected a tensor or numbers, got value_string');
  });
});

describe('mergePads', () => {
  const padded = (pads: number[], options: { fill?: number; mode?: string; twice?: boolean } = {}): Model =>
    modelOf(['N', 3, 6, 6], (b) => {
      const fill = b.constant(scalar(options.fill ?? 0));
      const mode = { mode: { kind: 'string', value: options.mode ?? 'constant' } } as const;
      const p = b.add('Pad', ['x', b.ints(pads), fill], mode);
      b.add(
        'Conv',
        [p, b.constant(random(1, [6, 3, 3, 3]))],
        { kernel_shape: ints([3, 3]), pads: ints([1, 0, 0, 1]) },
        { output: 'y' },
      );
      if (options.twice === true) b.add('Abs', [p], {}, { output: 'z' });
      return { y: ['N', 6, 'h', 'w'], ...(options.twice === true ? { z: ['N', 3, 'a', 'b'] } : {}) };
    });

  it('adds zeros to those of the convolution', async () => {
    const model = padded([0, 0, 1, 2, 0, 0, 3, 0]);
    const merged = apply(model, mergePads);
    expect(operators(merged.graph)).toEqual(['Conv']);
    expect(merged.graph.nodes[0]?.attributes.pads).toEqual(ints([2, 2, 3, 1]));
    expectNear((await run(merged, { x })).y, (await run(model, { x })).y);
  });

  it.each([
    padded([0, 0, 1, 1, 0, 0, 1, 1], { fill: 1 }),
    padded([0, 0, 1, 1, 0, 0, 1, 1], { mode: 'reflect' }),
    padded([0, 0, 1, 1, 0, 0, 1, 1], { twice: true }),
    padded([0, 0, 1, 1, 0, 0, 1, -1]),
    padded([0, 1, 1, 1, 0, 0, 1, 1]),
  ])('leaves other pads: %#', (model) => {
    expect(mergePads(model.graph)).toEqual(model.graph);
  });
});

describe('guardPools', () => {
  const guarded = (graph: Graph): Graph => guardPools(graph, knownShapes(graph));

  it('keeps zeros zeros whatever the runtime fuses', async () => {
    const model = modelOf(['N', 3, 6, 6], (b) => {
      const negative = b.add('Neg', [b.add('Exp', ['x'])]);
      const p = b.add('Pad', [negative, b.ints([0, 0, 1, 1, 0, 0, 1, 1])]);
      b.add('MaxPool', [p], { kernel_shape: ints([3, 3]), strides: ints([3, 3]) }, { output: 'y' });
      return { y: ['N', 3, 2, 2] };
    });
    const session = await openSession(apply(model, guarded));
    const { y } = await session.run({ x });
    await session.close();
    expectNear(Array.from(y!.data, Number), (await run(model, { x })).y);
    expect(y!.data[0]).toBeCloseTo(0, 30);
    const without = diamond();
    expect(guarded(without.graph)).toBe(without.graph);
  });
});
