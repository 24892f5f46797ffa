import { definedOnly } from '../core/defined-only.ts';
import type { RgbImage } from '../image/types.ts';
import type { Device } from '../onnx/device.ts';
import { type Model, sizeOf, type Tensor } from '../onnx/model.ts';
import { openSession, type Session } from '../onnx/session.ts';
import { IMAGE } from './preprocess.ts';
import type { FeatureStore } from './store.ts';

/** Gathers images into batches for one graph, and files what it gives. */
export interface Lane {
  /** Preprocesses an image into the next place of the batch; runs the graph when the batch is full. */
  push(key: string, image: RgbImage): Promise<void>;
  /** Runs the graph on what is left. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface LaneOptions {
  /** Images per run. */
  readonly batch: number;
  readonly threads: number | undefined;
  /** What runs the graph. Default `cpu`. */
  readonly device?: Device | undefined;
  /** Told how many images a run was about. */
  readonly onRun: (count: number) => void;
}

/**
 * A session for one image at a time. It has one thread: a second would go on spinning for work after each image, on a
 * core that the trunk's threads need.
 */
export function openPreprocess(model: Model): Promise<Session> {
  return openSession(model, { threads: 1 });
}

/**
 * @param preprocess session of the preprocessing graph
 * @param model takes its output, in batches
 * @param stores where each output goes, by its name; an output without a store is dropped
 */
export async function openLane(
  preprocess: Session,
  model: Model,
  stores: Readonly<Record<string, FeatureStore | undefined>>,
  { batch, threads, device, onRun }: LaneOptions,
): Promise<Lane> {
  const session = await openSession(model, definedOnly({ threads, device }));
  const { name, dims: inputDims } = model.graph.inputs[0]!;
  const dims = inputDims.slice(1).map(Number);
  const size = sizeOf(dims);
  const input = new Float32Array(batch * size);
  let keys: string[] = [];
  const flush = async (): Promise<void> => {
    const count = keys.length;
    if (count === 0) return;
    const feed: Tensor = { dtype: 'float32', dims: [count, ...dims], data: input.subarray(0, count * size) };
    const outputs = await session.run({ [name]: feed });
    for (const [output, store] of Object.entries(stores)) {
      const rows = outputs[output];
      if (rows !== undefined && store !== undefined) appendRows(store, rows, keys);
    }
    keys = [];
    onRun(count);
  };
  return {
    push: async (key, image) => {
      await preprocessInto(preprocess, image, input.subarray(keys.length * size, (keys.length + 1) * size), dims);
      keys.push(key);
      if (keys.length === batch) await flush();
    },
    flush,
    close: () => session.close(),
  };
}

/** One image through the preprocessing graph, its result written in place. */
async function preprocessInto(
  session: Session,
  image: RgbImage,
  into: Float32Array,
  dims: readonly number[],
): Promise<void> {
  const feeds = { [IMAGE]: { dtype: 'uint8' as const, dims: [1, image.height, image.width, 3], data: image.data } };
  await session.run(feeds, { [session.outputs[0]!]: { dtype: 'float32', dims: [1, ...dims], data: into } });
}

function appendRows(store: FeatureStore, { data }: Tensor, keys: readonly string[]): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  keys.forEach((key, i) => {
    store.append(key, bytes.subarray(i * store.recordBytes, (i + 1) * store.recordBytes));
  });
}
