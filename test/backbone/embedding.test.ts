import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { withRecord } from '../../src/backbone/record.ts';
import { loadBackbone } from '../../src/backbone/registry.ts';
import type { Backbone } from '../../src/backbone/types.ts';
import { ModelError, UsageError } from '../../src/core/errors.ts';
import { rngOf } from '../../src/core/rng.ts';
import { float32, type Model, type Tensor } from '../../src/onnx/model.ts';
import { extract } from '../../src/onnx/passes/extract.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { openSession } from '../../src/onnx/session.ts';
import { expectClose } from './run.ts';
import { SIDE, tinyVit, type VitOptions, WIDTH } from './tiny-vit.ts';

const folder = mkdtempSync(join(tmpdir(), 'nevus-vit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function save(options: VitOptions): string {
  const path = join(folder, `${files++}.onnx`);
  writeFileSync(path, encodeModel(tinyVit(options)));
  return path;
}
const load = (options: VitOptions, more = {}): Promise<Backbone> =>
  loadBackbone(save(options), { normalisation: 'imagenet', size: SIDE, ...more });

const N = 3;
const rng = rngOf(1, 'images');
const images = float32(
  Float32Array.from({ length: N * 3 * SIDE * SIDE }, () => rng.normal()),
  [N, 3, SIDE, SIDE],
);

async function run(model: Model, name: string, dims?: readonly number[]): Promise<Tensor> {
  const output = dims === undefined ? name : { name, dtype: 'float32' as const, dims: ['N', ...dims] };
  const inputs = model.graph.inputs.filter((i) => i.name === 'pixel_values');
  const session = await openSession(extract(model, { inputs, outputs: [output] }));
  const results = await session.run({ pixel_values: images });
  await session.close();
  return results[name]!;
}

/** Tokens from … to of every image, averaged. */
function meanOfTokens({ data, dims }: Tensor, from: number, to: number): number[] {
  const [, tokens = 0] = dims;
  return Array.from({ length: N * WIDTH }, (_, k) => {
    const [n, c] = [Math.floor(k / WIDTH), k % WIDTH];
    let sum = 0;
    for (let t = from; t < to; t++) sum += Number(data[(n * tokens + t) * WIDTH + c]);
    return sum / (to - from);
  });
}

describe('what an export of a transformer gives out as features', () => {
  it.each<[string, VitOptions, object, [number, number], string]>([
    ['ViT: the class token, not what a pretext task makes of it', { outputs: 'vit' }, {}, [0, 1], 'class'],
    ['with registers: the first token', { others: 5, outputs: 'siglip' }, {}, [0, 1], 'class'],
    ['without a class token: the mean', { others: 0, outputs: 'siglip' }, {}, [0, 16], 'mean'],
    ['of a new operator set', { others: 0, outputs: 'siglip', opset: 18 }, {}, [0, 16], 'mean'],
    ['the mean of the patches, asked for', { others: 5 }, { features: 'last_hidden_state:mean' }, [5, 21], 'mean'],
    ['the first, asked for', { others: 0 }, { features: 'last_hidden_state:class' }, [0, 1], 'class'],
    ['the tokens, asked for by name', {}, { features: 'last_hidden_state' }, [0, 1], 'class'],
  ])('%s', async (_, options, more, [from, to], how) => {
    const backbone = await load(options, more);
    expect(backbone.features).toBe(`last_hidden_state_${how}`);
    expect(backbone.cuts.at(-1)).toEqual({ name: backbone.features, tensor: backbone.features, dims: [WIDTH] });
    const states = await run(tinyVit(options), 'last_hidden_state');
    expectClose(
      Array.from((await run(backbone.model, backbone.features)).data, Number),
      meanOfTokens(states, from, to),
      1e-5,
    );
  });

  it.each<[string, VitOptions, string, number]>([
    ['DINOv2', { outputs: 'dinov2' }, 'pooler_output', WIDTH],
    ["CLIP's image tower, out of a file with both", { outputs: 'clip' }, 'image_embeds', 5],
  ])('%s: %s', async (_, options, features, width) => {
    const backbone = await load(options);
    expect(backbone.features).toBe(features);
    expect(backbone.model.graph.inputs.map((i) => i.name)).toEqual(['pixel_values']);
    expect(backbone.cuts.at(-1)?.dims).toEqual([width]);
    const expected = await run(tinyVit(options), features);
    expectClose(
      Array.from((await run(backbone.model, features)).data, Number),
      Array.from(expected.data, Number),
      1e-6,
    );
  });

  it('a classifier: what its last product reads', async () => {
    const backbone = await load({ outputs: 'classifier', dims: ['N', 3, SIDE, SIDE] });
    expect(backbone.cuts.at(-1)?.dims).toEqual([WIDTH]);
  });
});

describe('a transformer as a backbone', () => {
  it('can be cut between its blocks, at tokens', async () => {
    const { cuts } = await load({});
    // Not at the map of patches: the class token takes its batch size from the image, around it.
    expect(cuts.map((c) => c.dims)).toEqual([[3, SIDE, SIDE], ...Array(7).fill([17, WIDTH]), [WIDTH]]);
  });

  it('has its own record, and is the same read again', async () => {
    const backbone = await load({});
    const path = join(folder, 'own.onnx');
    writeFileSync(path, encodeModel(withRecord(backbone)));
    expect({ ...(await loadBackbone(path)), model: null }).toEqual({ ...backbone, model: null });
    const mean = await loadBackbone(path, { features: 'cut_5:mean' });
    expect(mean.cuts.at(-1)).toMatchObject({ tensor: '/encoder/layer.1/Add_output_0_mean', dims: [WIDTH] });
    const states = await run(tinyVit(), '/encoder/layer.1/Add_output_0', [17, WIDTH]);
    const actual = await run(mean.model, mean.features);
    expectClose(Array.from(actual.data, Number), meanOfTokens(states, 1, 17), 1e-5);
    await expect(loadBackbone(path, { features: 'input:mean' })).resolves.toMatchObject({ features: 'pixel_values' });
  });

  it('must be told the size where the file leaves it free', async () => {
    const path = save({});
    await expect(loadBackbone(path, { normalisation: 'imagenet' })).rejects.toThrow('expected an input of fixed size');
    await expect(loadBackbone(path, { size: SIDE })).rejects.toThrow(UsageError);
  });

  it('does not see text', async () => {
    await expect(load({ outputs: 'clip' }, { features: 'logits_per_image' })).rejects.toThrow(ModelError);
  });
});
