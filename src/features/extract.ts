import { join } from 'node:path';
import { EnvironmentError } from '../core/errors.ts';
import type { OnProgress } from '../core/events.ts';
import { freeBytes } from '../core/files.ts';
import { lockFolder } from '../core/lock.ts';
import { decodeImage } from '../image/decode.ts';
import type { RgbImage } from '../image/types.ts';
import { applyView, type View, viewKey } from '../image/view.ts';
import { sizeOf, type Tensor } from '../onnx/model.ts';
import { openSession, type Session } from '../onnx/session.ts';
import { IMAGE } from './preprocess.ts';
import { type FeatureStore, openStore } from './store.ts';
import { bytesPerView, CUT, POOLED, type Trunk } from './trunk.ts';

/** An image and the views of it that are wanted. */
export interface ExtractionItem {
  readonly path: string;
  /** SHA-256 of the file's bytes. */
  readonly sha256: string;
  readonly views: readonly View[];
}

export interface ExtractOptions {
  /** Folder of the feature cache. */
  readonly folder: string;
  /** Images per run of the trunk. Default 16. */
  readonly batch?: number;
  readonly threads?: number;
  readonly onProgress?: OnProgress;
  /** Most bytes this extraction may add. Default: no limit but the disk. */
  readonly cacheLimit?: number;
  readonly signal?: AbortSignal;
}

/** What the trunk says of every item and view. Close it when done. */
export interface FeatureSet {
  /** Store of the tensor at the cut, float16; undefined where the cut is at the features. */
  readonly cut: FeatureStore | undefined;
  /** Store of the pooled features, float32. */
  readonly pooled: FeatureStore;
  /** Key of one view in both stores. */
  keyOf(item: ExtractionItem, view: number): string;
  close(): void;
}

/** Decoded images held ahead of the trunk: enough to keep the decoder's threads busy while the trunk computes. */
const AHEAD = 12;
/** Left free on the disk, for the run itself and for others. */
const SPARE_BYTES = 512 * 2 ** 20;

const keyOf = (item: ExtractionItem, view: View): string => `${item.sha256} ${viewKey(view)}`;

/** Bytes that an extraction would add to the cache, and views it would compute. */
export function plannedBytes(
  trunk: Trunk,
  items: readonly ExtractionItem[],
  features: Pick<FeatureSet, 'cut' | 'pooled'>,
) {
  const views = items.reduce((sum, item) => sum + missingViews(item, features).length, 0);
  return { views, bytes: views * bytesPerView(trunk) };
}

function missingViews(item: ExtractionItem, { cut, pooled }: Pick<FeatureSet, 'cut' | 'pooled'>): View[] {
  return item.views.filter((view) => {
    const key = keyOf(item, view);
    return pooled.find(key) === undefined || (cut !== undefined && cut.find(key) === undefined);
  });
}

/** Opens the remembered features of a trunk, without computing any. */
export function openFeatures(trunk: Trunk, folder: string): FeatureSet {
  const pooled = openStore(join(folder, trunk.pooledKey), trunk.width * 4);
  const cut =
    trunk.cutDims === undefined ? undefined : openStore(join(folder, trunk.cutKey), sizeOf(trunk.cutDims) * 2);
  return {
    cut,
    pooled,
    keyOf: (item, view) => keyOf(item, item.views[view]!),
    close: () => {
      pooled.close();
      cut?.close();
    },
  };
}

/**
 * Runs the trunk over every view of every image that is not remembered yet, and remembers it. Decoding goes on in the
 * decoder's threads while the trunk computes; memory does not grow with the number of images.
 *
 * @throws {EnvironmentError} the features would not fit on the disk or under the limit: said before the first is made
 * @throws {DataError} an image that cannot be decoded
 */
export async function extractFeatures(
  trunk: Trunk,
  items: readonly ExtractionItem[],
  options: ExtractOptions,
): Promise<FeatureSet> {
  const { folder, batch = 16, onProgress, signal } = options;
  const unlock = lockFolder(folder, 'feature cache');
  const features = openFeatures(trunk, folder);
  try {
    const { views: total, bytes } = plannedBytes(trunk, items, features);
    checkSpace(folder, bytes, options.cacheLimit);
    if (total > 0)
      await computeMissing(trunk, items, features, { batch, total, threads: options.threads, onProgress, signal });
    return features;
  } catch (error) {
    features.close();
    throw error;
  } finally {
    unlock();
  }
}

function checkSpace(folder: string, bytes: number, limit: number | undefined): void {
  const gigabytes = (n: number): string => `${(n / 1e9).toFixed(1)} GB`;
  if (limit !== undefined && bytes > limit) {
    throw new EnvironmentError(
      'features/limit',
      `${folder}: the features need ${gigabytes(bytes)}, the limit is ${gigabytes(limit)}`,
      'Ask for fewer views, a later cut, or a higher --cache-limit.',
    );
  }
  const free = freeBytes(folder) - SPARE_BYTES;
  if (bytes > free) {
    throw new EnvironmentError(
      'disk/full',
      `${folder}: the features need ${gigabytes(bytes)}, ${gigabytes(Math.max(0, free))} are free`,
      'Free some space, set NEVUS_CACHE to another disk, or ask for fewer views or a later cut.',
    );
  }
}

interface Job {
  readonly batch: number;
  readonly total: number;
  readonly threads: number | undefined;
  readonly onProgress: OnProgress | undefined;
  readonly signal: AbortSignal | undefined;
}

async function computeMissing(
  trunk: Trunk,
  items: readonly ExtractionItem[],
  features: FeatureSet,
  job: Job,
): Promise<void> {
  const threads = job.threads === undefined ? {} : { threads: job.threads };
  const preprocess = await openSession(trunk.preprocess, threads);
  const session = await openSession(trunk.model, threads);
  try {
    const todo = items.flatMap((item) => {
      const views = missingViews(item, features);
      return views.length === 0 ? [] : [{ item, views }];
    });
    const dims = trunk.model.graph.inputs[0]!.dims.slice(1).map(Number);
    const input = new Float32Array(job.batch * sizeOf(dims));
    let keys: string[] = [];
    let done = 0;
    const flush = async (): Promise<void> => {
      const count = keys.length;
      if (count === 0) return;
      await runTrunk(
        session,
        trunk,
        features,
        { dtype: 'float32', dims: [count, ...dims], data: input.subarray(0, count * sizeOf(dims)) },
        keys,
      );
      keys = [];
      done += count;
      job.onProgress?.({ stage: 'features', done, total: job.total, unit: 'views' });
    };
    const ahead = prefetch(todo, ({ item }) => decodeImage(item.path));
    for await (const [{ item, views }, image] of ahead) {
      for (const view of views) {
        const slot = input.subarray(keys.length * sizeOf(dims), (keys.length + 1) * sizeOf(dims));
        await preprocessInto(preprocess, applyView(image, view), slot, dims);
        keys.push(keyOf(item, view));
        if (keys.length === job.batch) await flush();
      }
      job.signal?.throwIfAborted();
    }
    await flush();
  } finally {
    await preprocess.close();
    await session.close();
  }
}

/** Runs a loader a few items ahead of its consumer, in order. */
async function* prefetch<T, R>(items: readonly T[], loader: (item: T) => Promise<R>): AsyncGenerator<[T, R]> {
  const pending: Promise<R>[] = [];
  let started = 0;
  for (const item of items) {
    while (started < items.length && pending.length < AHEAD) {
      const promise = loader(items[started++]!);
      // Its error is thrown when its turn comes; until then it is not unhandled.
      promise.catch(() => undefined);
      pending.push(promise);
    }
    yield [item, await pending.shift()!];
  }
}

/** One image through the preprocessing graph, its result written in place. */
export async function preprocessInto(
  session: Session,
  image: RgbImage,
  into: Float32Array,
  dims: readonly number[],
): Promise<void> {
  const feeds = { [IMAGE]: { dtype: 'uint8' as const, dims: [1, image.height, image.width, 3], data: image.data } };
  await session.run(feeds, { [session.outputs[0]!]: { dtype: 'float32', dims: [1, ...dims], data: into } });
}

async function runTrunk(
  session: Session,
  trunk: Trunk,
  features: FeatureSet,
  input: Tensor,
  keys: readonly string[],
): Promise<void> {
  const outputs = await session.run({ [trunk.model.graph.inputs[0]!.name]: input });
  // The cut first: a view counts as remembered only with both, and the pooled features are asked for first.
  if (features.cut !== undefined) appendRows(features.cut, outputs[CUT]!, keys);
  appendRows(features.pooled, outputs[POOLED]!, keys);
}

function appendRows(store: FeatureStore, { data }: Tensor, keys: readonly string[]): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  keys.forEach((key, i) => {
    store.append(key, bytes.subarray(i * store.recordBytes, (i + 1) * store.recordBytes));
  });
}
