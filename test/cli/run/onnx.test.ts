import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { differentiate } from '../../../src/autodiff/index.ts';
import { float32, type Tensor } from '../../../src/onnx/model.ts';
import { encodeModel } from '../../../src/onnx/protobuf.ts';
import { openSession } from '../../../src/onnx/session.ts';
import { convNet, random } from '../../autodiff/networks.ts';
import { workplace } from './nevus.ts';

const at = workplace();
const model = convNet();
beforeAll(() => writeFileSync(at.path('net.onnx'), encodeModel(model)));

const data = (batch: number): Record<string, Tensor> => ({
  x: random('x', [batch, 2, 8, 8]),
  targets: float32(
    Array.from({ length: batch * 3 }, (_, i) => Number(i % 3 === 0)),
    [batch, 3],
  ),
});

async function run(file: string, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const session = await openSession(at.path(file), { threads: 1 });
  const results = await session.run(feeds);
  await session.close();
  return results;
}

describe('nevus onnx grad', () => {
  it('writes what differentiate makes, for any batch, and says what goes in and out', async () => {
    const said = await at.nevus('onnx', 'grad', 'net.onnx', '--loss', 'loss', '--wrt', 'x,fc/w', '-o', 'grad.onnx');
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toMatch(/^in +x +float32 +\[N, 2, 8, 8\]$/m);
    expect(said.stdout).toMatch(/^out +grad:fc\/w +float32 +\[64, 5\]$/m);
    const same = encodeModel(differentiate(model, { loss: 'loss', wrt: ['x', 'fc/w'] }));
    expect(readFileSync(at.path('grad.onnx')).equals(same)).toBe(true);
    const feeds = { ...data(3), 'fc/w': model.graph.initializers.get('fc/w')! };
    expect((await run('grad.onnx', feeds))['grad:x']?.dims).toEqual([3, 2, 8, 8]);
  });

  it('takes all weights, a batch, outputs to keep, and answers in JSON', async () => {
    const options = ['--loss', 'loss', '--wrt', 'all-weights', '--keep', '', '--batch', '2', '--json'];
    const said = await at.nevus('onnx', 'grad', 'net.onnx', '-o', 'all.onnx', ...options);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    const info = z.object({ name: z.string(), dims: z.array(z.union([z.number(), z.string()])) });
    const { inputs, outputs } = z
      .object({ inputs: z.array(info), outputs: z.array(info) })
      .parse(JSON.parse(said.stdout));
    expect(inputs.find((v) => v.name === 'x')?.dims).toEqual([2, 2, 8, 8]);
    expect(outputs.map((v) => v.name).every((name) => name.startsWith('grad:'))).toBe(true);
    expect(outputs).toHaveLength(8);
    const shaped = await at.nevus(
      'onnx',
      'grad',
      'net.onnx',
      ...['-o', 'shaped.onnx', '--loss', 'loss', '--wrt', 'all-weights', '--keep', '', '--shape', 'x=2x2x8x8'],
    );
    expect(shaped.code).toBe(0);
    expect(readFileSync(at.path('shaped.onnx')).equals(readFileSync(at.path('all.onnx')))).toBe(true);
  });

  it.each([
    [2, ['--loss', 'lost', '--wrt', 'x'], /loss: expected an output of the model \(probabilities, loss\), got lost/],
    [2, ['--loss', 'loss', '--wrt', 'y'], /wrt: expected a tensor of the model, got y/],
    [2, ['--loss', 'loss'], /--wrt/],
    [2, ['--loss', 'loss', '--wrt', 'x', '--shape', 'x=1'], /a shape like \[N, 2, 8, 8\], got \[1\]/],
    [2, ['--loss', 'loss', '--wrt', 'x', '--shape', 'x:1'], /--shape: expected an input and its sizes/],
    [2, ['--loss', 'loss', '--wrt', 'x', '--batch', '0'], /batch: expected a whole number above 0/],
    [4, ['--loss', 'probabilities', '--wrt', 'x'], /expected a loss of one element/],
  ])('ends with %i for %j', async (code, options, message) => {
    const said = await at.nevus('onnx', 'grad', 'net.onnx', '-o', 'never.onnx', ...options);
    expect(said.code).toBe(code);
    expect(said.stderr).toMatch(message);
    expect(existsSync(at.path('never.onnx'))).toBe(false);
  });
});

describe('nevus onnx step', () => {
  it('writes the step, its partner for accumulation, and their description', async () => {
    const said = await at.nevus(
      'onnx',
      'step',
      'net.onnx',
      ...['--loss', 'loss', '--optimizer', 'sgd', '--nesterov', '--train', 'out/w,out/b', '--accumulate', '2'],
      ...['--clip', '1', '-o', 'step.onnx'],
    );
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toContain('step.onnx, step.json, step-accumulate.onnx');
    const vector = z.object({ name: z.string(), kind: z.string(), input: z.string(), dims: z.array(z.number()) });
    const description = z
      .object({ loss: z.string(), vectors: z.array(vector), scalars: z.array(z.string()), accumulate: z.literal(2) })
      .parse(JSON.parse(readFileSync(at.path('step.json'), 'utf8')));
    expect(description.scalars).toEqual(['learning_rate']);
    const feeds: Record<string, Tensor> = { ...data(2), learning_rate: float32([0.1], []) };
    for (const { name, input, dims } of description.vectors) {
      const size = dims.reduce((a, b) => a * b, 1);
      const start = model.graph.initializers.get(name);
      const values = start?.dtype === 'float32' ? start.data : new Float32Array(size);
      feeds[input] = float32(values, [size]);
    }
    const results = await run('step.onnx', feeds);
    expect(Number(results[description.loss]?.data[0])).toBeGreaterThan(0);
    expect(Array.from(results['next:out/w']!.data, Number)).not.toEqual(Array.from(feeds['flat:out/w']!.data, Number));
    const summed = await run(
      'step-accumulate.onnx',
      Object.fromEntries(Object.entries(feeds).filter(([name]) => name !== 'learning_rate' && !/momentum/.test(name))),
    );
    expect(Object.keys(summed).toSorted()).toEqual(['loss', 'next:sum:out/b', 'next:sum:out/w']);
  });

  it('refuses the momentum of an optimizer that has none', async () => {
    const said = await at.nevus(
      'onnx',
      'step',
      'net.onnx',
      ...['--loss', 'loss', '--optimizer', 'adam', '--nesterov', '-o', 'never.onnx'],
    );
    expect(said.code).toBe(2);
    expect(said.stderr).toMatch(/expected with --optimizer sgd, got adam/);
  });
});
