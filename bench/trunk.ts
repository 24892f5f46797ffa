/**
 * Images per second of feature extraction (decode, views, resize, trunk, writing) against the bare session on the same
 * graph with its input ready in memory.
 *
 *     npm run bench -- trunk DATA [backbone] [cut] [images]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBackbone } from '../src/backbone/registry.ts';
import { inspectImages } from '../src/dataset/inspect.ts';
import { readDataset } from '../src/dataset/read.ts';
import { extractFeatures } from '../src/features/extract.ts';
import { planTrunk } from '../src/features/trunk.ts';
import { IDENTITY } from '../src/image/view.ts';
import { sizeOf } from '../src/onnx/model.ts';
import { openSession } from '../src/onnx/session.ts';
import { interleaved } from './timing.ts';

const BATCH = 16;

export async function benchTrunk(data: string, name = 'inception_v3', cut = 'features', images = '480'): Promise<void> {
  const backbone = await loadBackbone(name);
  const trunk = planTrunk(backbone, cut);
  const dataset = await readDataset(data);
  const examples = dataset.examples.slice(0, Number(images));
  const { images: inspected } = await inspectImages(examples);
  const items = examples.map((e) => ({
    path: e.path,
    sha256: inspected.get(e.id)!.sha256,
    views: [IDENTITY],
    pooledViews: 1,
  }));
  const session = await openSession(trunk.model, { threads: 2 });
  const [input] = trunk.model.graph.inputs;
  const dims = input!.dims.slice(1).map(Number);
  const feed = {
    dtype: 'float32' as const,
    dims: [BATCH, ...dims],
    data: new Float32Array(BATCH * sizeOf(dims)).fill(0.25),
  };
  const times = await interleaved(
    [
      {
        name: 'session',
        run: async () => {
          for (let i = 0; i < items.length; i += BATCH) await session.run({ [input!.name]: feed });
        },
      },
      {
        name: 'extraction',
        run: async () => {
          const folder = mkdtempSync(join(tmpdir(), 'nevus-bench-'));
          (await extractFeatures(trunk, items, { folder, batch: BATCH, threads: 2 })).close();
          rmSync(folder, { recursive: true });
        },
      },
    ],
    3,
  );
  await session.close();
  const perSecond = (what: string): number => (1000 * items.length) / times.get(what)!;
  const [raw, whole] = [perSecond('session'), perSecond('extraction')];
  console.log(`trunk ${backbone.name}, cut ${cut}, ${items.length} images, batch ${BATCH}, 2 threads`);
  console.log(`  session alone  ${raw.toFixed(1)} images/s`);
  console.log(`  extraction     ${whole.toFixed(1)} images/s (${((100 * whole) / raw).toFixed(0)} % of it)`);
}
