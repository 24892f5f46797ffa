import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadBackbone } from '../../src/backbone/registry.ts';
import { rngOf } from '../../src/core/rng.ts';
import { modelCard } from '../../src/model/card.ts';
import { openClassifier } from '../../src/model/classifier.ts';
import { initHead, LINEAR } from '../../src/model/head.ts';
import { shipModel } from '../../src/model/ship.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { SHARED } from '../shared.ts';

const FILE = join(SHARED, 'weights/mobilenet_v2_imagenet.onnx');
const missing = !existsSync(FILE);
if (missing) console.warn(`SKIPPED: ${FILE} is not there; the shipped form of a real network is not tested.`);

describe.skipIf(missing)('mobilenet_v2_imagenet.onnx, shipped', () => {
  it('takes pixels and gives the reference features', async () => {
    const read = (name: string): Uint8Array<ArrayBuffer> =>
      new Uint8Array(readFileSync(join(SHARED, 'weights/reference', name)));
    const pixels = read('imgs.u8');
    const reference = new Float32Array(read('feats.f32').buffer);
    const size = 224 * 224 * 3;
    const images = Array.from({ length: pixels.length / size }, (_, i) => ({
      width: 224,
      height: 224,
      data: pixels.subarray(i * size, (i + 1) * size),
    }));

    const backbone = await loadBackbone(FILE);
    const labels = ['a', 'b'];
    const facts = { labels, head: LINEAR, cut: 'features', trainingData: '', splits: '', config: '', seed: 1 };
    const weights = initHead(LINEAR, 1280, 2, rngOf(1, 'head'));
    const folder = mkdtempSync(join(tmpdir(), 'nevus-reference-'));
    const file = join(folder, 'model.onnx');
    writeFileSync(file, encodeModel(shipModel({ backbone, head: LINEAR, weights, card: modelCard(backbone, facts) })));
    const classifier = await openClassifier(file);
    const { features } = await classifier.classify(images);
    await classifier.close();
    rmSync(folder, { recursive: true });

    expect(features.length).toBe(reference.length);
    let worst = 0;
    for (let i = 0; i < features.length; i++) worst = Math.max(worst, Math.abs(features[i]! - reference[i]!));
    expect(worst).toBeLessThan(1e-4);
  });
});
