import { join } from 'node:path';
import type { Backbone, CutPoint } from '../backbone/types.ts';
import type { OnProgress } from '../core/events.ts';
import { sha256 } from '../core/hash.ts';
import { lockFolder } from '../core/lock.ts';
import { prefetch } from '../core/prefetch.ts';
import { trunkBatch } from '../features/batch-independence.ts';
import { AHEAD } from '../features/extract.ts';
import { openLane, openPreprocess } from '../features/lane.ts';
import { preprocessModel } from '../features/preprocess.ts';
import { type FeatureStore, openStore } from '../features/store.ts';
import { decodeImage } from '../image/decode.ts';
import { graphBuilder } from '../onnx/builder.ts';
import type { Device } from '../onnx/device.ts';
import { int, type Model } from '../onnx/model.ts';
import { extract } from '../onnx/passes/extract.ts';
import { foldBatchNorm } from '../onnx/passes/fold-batch-norm.ts';
import { addPooling } from '../onnx/pooling.ts';
import { encodeModel } from '../onnx/protobuf.ts';
import type { Row } from './prepare.ts';

/** Output of the probing graph: the pooled features of all candidates side by side. */
const PROBED = 'probed_features';

/**
 * Cut points worth a probe: spatial maps, small against the input, that are no bottleneck's inside. A map with more than
 * twice the channels of the next candidate is an expansion that the network itself compresses again.
 */
export function probeCandidates(backbone: Backbone): CutPoint[] {
  const side = backbone.input.size;
  const kept: CutPoint[] = [];
  for (const cut of [...backbone.cuts].reverse()) {
    const [channels = 0, height = side] = cut.dims;
    const after = kept.at(-1)?.dims[0] ?? Number.POSITIVE_INFINITY;
    if (cut.name === 'input' || cut.dims.length !== 3 || height * 4 > side || channels > 2 * after) continue;
    kept.push(cut);
  }
  return kept.reverse();
}

/** Pooled features of some rows at every candidate. */
export interface Probed {
  readonly candidates: readonly CutPoint[];
  /** float32 [rows × width] per candidate. */
  readonly features: readonly Float32Array[];
}

export interface ProbeOptions {
  /** Folder of the feature cache. */
  readonly folder: string;
  readonly threads: number | undefined;
  readonly device: Device | undefined;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal | undefined;
}

/** Runs the whole backbone once over some images and keeps the pooled features of every candidate cut. */
export async function probeFeatures(
  backbone: Backbone,
  candidates: readonly CutPoint[],
  rows: readonly Row[],
  options: ProbeOptions,
): Promise<Probed> {
  const model = probeModel(backbone, candidates);
  const width = candidates.reduce((sum, { dims }) => sum + dims[0]!, 0);
  const key = sha256(['probe', sha256(encodeModel(model)), JSON.stringify(backbone.input)].join('\n')).slice(0, 24);
  const unlock = lockFolder(options.folder, 'feature cache');
  const store = openStore(join(options.folder, key), width * 4);
  try {
    await fill(
      model,
      backbone,
      rows.filter((r) => store.find(r.sha256) === undefined),
      store,
      options,
    );
    const features = candidates.map(({ dims }) => new Float32Array(rows.length * dims[0]!));
    const record = new Float32Array(width);
    rows.forEach((row, i) => {
      store.read(store.find(row.sha256)!, new Uint8Array(record.buffer));
      let at = 0;
      candidates.forEach(({ dims }, c) => {
        features[c]!.set(record.subarray(at, at + dims[0]!), i * dims[0]!);
        at += dims[0]!;
      });
    });
    return { candidates, features };
  } finally {
    store.close();
    unlock();
  }
}

function probeModel(backbone: Backbone, candidates: readonly CutPoint[]): Model {
  const { model, input } = backbone;
  const part = extract(model, {
    inputs: model.graph.inputs.filter((i) => i.name === input.name),
    outputs: candidates.map((c) => ({ name: c.tensor, dtype: 'float32' as const, dims: ['N', ...c.dims] })),
  });
  const graph = foldBatchNorm(part.graph);
  const builder = graphBuilder(graph);
  const pooled = candidates.map((c) => addPooling(builder, c.tensor));
  builder.add('Concat', pooled, { axis: int(1) }, { output: PROBED });
  const width = candidates.reduce((sum, { dims }) => sum + dims[0]!, 0);
  return { ...part, graph: builder.graph(graph.inputs, [{ name: PROBED, dtype: 'float32', dims: ['N', width] }]) };
}

/** Computes what is not remembered yet. */
async function fill(
  model: Model,
  backbone: Backbone,
  rows: readonly Row[],
  store: FeatureStore,
  { threads, device, onProgress, signal }: ProbeOptions,
): Promise<void> {
  if (rows.length === 0) return;
  const preprocess = await openPreprocess(preprocessModel(backbone.input));
  let done = 0;
  const onRun = (count: number): void => {
    done += count;
    onProgress({ stage: 'probe', done, total: rows.length, unit: 'images' });
  };
  const lane = await openLane(
    preprocess,
    model,
    { [PROBED]: store },
    { batch: trunkBatch(model.graph), threads, device, onRun },
  );
  try {
    for await (const [row, image] of prefetch(rows, (r) => decodeImage(r.example.path), AHEAD)) {
      await lane.push(row.sha256, image);
      signal?.throwIfAborted();
    }
    await lane.flush();
  } finally {
    await lane.close();
    await preprocess.close();
  }
}
