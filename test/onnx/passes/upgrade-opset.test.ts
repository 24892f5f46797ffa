import { describe, expect, it } from 'vitest';
import { ModelError } from '../../../src/core/errors.ts';
import { rngOf } from '../../../src/core/rng.ts';
import { type Attributes, float, float32, int, int64, ints, type Model, type Tensor } from '../../../src/onnx/model.ts';
import { upgradeOpset } from '../../../src/onnx/passes/upgrade-opset.ts';
import { openSession } from '../../../src/onnx/session.ts';

const DIMS = [2, 4, 6, 6];

function modelOf(
  op: string,
  inputs: readonly string[],
  attributes: Attributes,
  constants: Readonly<Record<string, Tensor>>,
  outputs: number,
): Model {
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return {
    graph: {
      nodes: [{ op, domain: '', name: 'node', inputs, outputs: names, attributes }],
      inputs: [{ name: 'x', dtype: 'float32', dims: DIMS }],
      outputs: names.map((name) => ({ name, dtype: 'float32', dims: ['A', 'B', 'C', 'D'] })),
      initializers: new Map(Object.entries(constants)),
    },
    opset: 13,
    domains: {},
    irVersion: 8,
    producer: 'test',
    metadata: { kept: 'yes' },
  };
}

async function run(model: Model) {
  const rng = rngOf(1, 'x');
  const x = float32(
    Float32Array.from({ length: 288 }, () => rng.uniform(0.1, 2)),
    DIMS,
  );
  const session = await openSession(model, { optimization: 'disabled', threads: 1 });
  const result = await session.run({ x });
  await session.close();
  return result;
}

const boxes = { rois: float32([0, 0, 3, 4, 1, 1, 5, 5], [2, 4]), which: int64([0, 1]) };
const cases: readonly (readonly [string, Model])[] = [
  ...['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'].map(
    (kind) =>
      [`Reduce${kind}`, modelOf(`Reduce${kind}`, ['x'], { axes: ints([-1, 2]), keepdims: int(1) }, {}, 1)] as const,
  ),
  ['ReduceMean over everything', modelOf('ReduceMean', ['x'], {}, {}, 1)],
  ['Split into equal parts', modelOf('Split', ['x'], { axis: int(1) }, {}, 2)],
  ['Split without its optional input', modelOf('Split', ['x', ''], { axis: int(2) }, {}, 3)],
  ['Split into given parts', modelOf('Split', ['x', 's'], { axis: int(1) }, { s: int64([1, 3]) }, 2)],
  ['RoiAlign', modelOf('RoiAlign', ['x', 'rois', 'which'], { output_height: int(2), output_width: int(2) }, boxes, 1)],
  ['Pad', modelOf('Pad', ['x', 'pads'], {}, { pads: int64([0, 0, 1, 2, 0, 0, 3, 4]) }, 1)],
  ['Resize', modelOf('Resize', ['x', '', 's'], {}, { s: float32([1, 1, 2, 1.5], [4]) }, 1)],
  ['Reshape', modelOf('Reshape', ['x', 's'], {}, { s: int64([0, -1, 3, 3]) }, 1)],
  ['LeakyRelu', modelOf('LeakyRelu', ['x'], { alpha: float(0.3) }, {}, 1)],
];

describe('upgradeOpset', () => {
  it.each(cases)('%s computes the same in opset 18', async (_, model) => {
    const upgraded = upgradeOpset(model);
    expect(upgraded.opset).toBe(18);
    expect(upgraded.metadata).toEqual(model.metadata);
    expect(await run(upgraded)).toEqual(await run(model));
  });

  it('needs to be done: the old forms are no opset 18', async () => {
    for (const [, model] of cases.slice(0, 1)) await expect(run({ ...model, opset: 18 })).rejects.toThrow(ModelError);
    const [, align] = cases.find(([name]) => name === 'RoiAlign')!;
    expect(await run({ ...align, opset: 18 })).not.toEqual(await run(align));
  });

  it('leaves a new model and its own alone', () => {
    const [, model] = cases[0]!;
    expect(upgradeOpset({ ...model, opset: 17 }, 17).graph.nodes).toEqual(model.graph.nodes);
    expect(upgradeOpset({ ...model, opset: 19 })).toEqual({ ...model, opset: 19 });
    const once = upgradeOpset(model);
    expect(upgradeOpset(once)).toBe(once);
  });

  it('refuses what it does not know', () => {
    const [, model] = cases[0]!;
    expect(() => upgradeOpset({ ...model, opset: 12 })).toThrow('expected operator set 13 or newer, got 12');
    const training = modelOf('BatchNormalization', ['x', 'a', 'b', 'c', 'd'], {}, {}, 3);
    expect(() => upgradeOpset(training)).toThrow(ModelError);
    expect(() => upgradeOpset({ ...training, opset: 14 })).not.toThrow();
  });
});
