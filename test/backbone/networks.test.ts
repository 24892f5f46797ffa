import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importNpmKeras } from '../../src/backbone/importers/npm-keras.ts';
import { loadBackbone } from '../../src/backbone/registry.ts';
import { BACKBONES } from '../../src/backbone/rows.ts';
import type { Model } from '../../src/onnx/model.ts';
import { foldBatchNorm } from '../../src/onnx/passes/fold-batch-norm.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { loadIfReachable } from './reachable.ts';
import { expectClose, meanOverImage, preprocess, runTensors } from './run.ts';

/** Those whose weights come from the npm registry. */
const NAMES = ['inception_v3', 'mobilenet_v2'] as const;
type Golden = Record<(typeof NAMES)[number], Record<string, number[][]>>;
const golden: Golden = JSON.parse(readFileSync(new URL('../golden/keras_networks.json', import.meta.url), 'utf8'));

/** The images of scripts/golden/keras_networks.py, [2, size, size, 3]. */
function images(size: number): Uint8Array {
  const out = new Uint8Array(2 * size * size * 3);
  let at = 0;
  for (let i = 0; i < 2; i++)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++)
        for (let c = 0; c < 3; c++)
          out[at++] = (y * (3 + i) + x * (5 + 2 * i) + c * 67 + Math.floor((y * x) / 7)) % 256;
  return out;
}

describe.each(NAMES)('%s', async (name) => {
  const backbone = await loadIfReachable(name);

  it.skipIf(backbone === undefined)('has the features of an independent evaluation with PyTorch', async () => {
    const { model, input } = backbone!;
    const feed = preprocess(input, images(input.size), 2);
    const tensors = Object.keys(golden[name]);
    const plain = await runTensors(backbone!, model, feed, tensors);
    const folded = await runTensors(backbone!, { ...model, graph: foldBatchNorm(model.graph) }, feed, [
      tensors.at(-1)!,
    ]);
    for (const [tensor, expected] of Object.entries(golden[name])) {
      expectClose(meanOverImage(plain[tensor]!), expected.flat(), 1e-4);
    }
    const last = tensors.at(-1)!;
    expectClose(meanOverImage(folded[last]!), golden[name][last]!.flat(), 1e-4);
  });

  it.skipIf(backbone === undefined)('is the same converted again as from the cache', async () => {
    const { model, ...rest } = await importNpmKeras(name, BACKBONES[name]);
    const { model: cached, ...cachedRest } = backbone!;
    expect(cachedRest).toEqual(rest);
    const bytes = (m: Model): Buffer => Buffer.from(encodeModel({ ...m, metadata: {} }));
    // Compared as bytes: comparing millions of numbers one by one takes minutes.
    expect(bytes(cached).equals(bytes(model))).toBe(true);
  });

  it.skipIf(backbone === undefined)('can end at any of its cuts, and has its own normalisation and size', async () => {
    const { cuts, features } = backbone!;
    const row = BACKBONES[name];
    expect(cuts.map((c) => c.name)).toEqual(row.cuts);
    expect([features, cuts.at(-1)?.dims]).toEqual([row.features, row.dims]);
    expect(cuts[0]?.name).toBe('input');
    expect(cuts.at(-1)?.tensor).toBe(features);
    expect(new Set(cuts.map((c) => c.name)).size).toBe(cuts.length);
    const middle = cuts[Math.floor(cuts.length / 2)]!;
    const shorter = await loadBackbone(name, { features: middle.name, normalisation: 'unit' });
    expect(shorter.features).toBe(middle.tensor);
    expect(shorter.cuts.at(-1)).toEqual(middle);
    expect(shorter.model.graph.nodes.length).toBeLessThan(backbone!.model.graph.nodes.length);
    await expect(loadBackbone(name, { normalisation: 'imagenet' })).rejects.toThrow('expected its own normalisation');
    await expect(loadBackbone(name, { features: 'nowhere' })).rejects.toThrow('expected a cut among input, stem');
  });
});
