import { join } from 'node:path';
import { EnvironmentError } from '../core/errors.ts';
import type { OnProgress } from '../core/events.ts';
import { freeBytes, gigabytes } from '../core/files.ts';
import { lockFolder } from '../core/lock.ts';
import { prefetch } from '../core/prefetch.ts';
import { decodeImage } from '../image/decode.ts';
import { applyView, type View, viewKey } from '../image/view.ts';
import type { Device } from '../onnx/device.ts';
import { sizeOf } from '../onnx/model.ts';
import { trunkBatch } from './batch-independence.ts';
import { openLane, openPreprocess } from './lane.ts';
import { type FeatureStore, openStore } from './store.ts';
import { CUT, POOLED, type Trunk } from './trunk.ts';

/** An image and the views of it that are wanted. */
export interface ExtractionItem {
  readonly path: string;
  /** SHA-256 of the file's bytes. */
  readonly sha256: string;
  readonly views: readonly View[];
  /** How many of the views, from the first, are wanted as pooled features too. Of all, where nothing lies behind the cut. */
  readonly pooledViews: number;
}

export interface ExtractOptions {
  /** Folder of the feature cache. */
  readonly folder: string;
  /** Images per run of the trunk. Default: see `trunkBatch`. */
  readonly batch?: number;
  readonly threads?: number;
  /** What runs the trunk. Default `cpu`. Its last bits depend on it: give every device a folder of its own. */
  readonly device?: Device;
  readonly onProgress?: OnProgress;
  /** Most bytes this extraction may add. Default: no limit but the disk. */
  readonly cacheLimit?: number;
  readonly signal?: AbortSignal;
  /** Told what is about to be computed, before the first view. */
  readonly onPlan?: (plan: ExtractionPlan) => void;
}

/** What an extraction will take. */
export interface ExtractionPlan {
  readonly views: number;
  /** Bytes that they take on disk, and bytes that are free there. */
  readonly bytes: number;
  readonly free: number;
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
export const AHEAD = 12;
/** Left free on the disk, for the run itself and for others. */
const SPARE_BYTES = 512 * 2 ** 20;

const keyOf = (item: ExtractionItem, view: View): string => `${item.sha256} ${viewKey(view)}`;

/** A view that is not remembered, and whether its pooled features are wanted. */
interface Missing {
  readonly view: View;
  readonly pooled: boolean;
}

function missingViews(item: ExtractionItem, { cut, pooled }: Pick<FeatureSet, 'cut' | 'pooled'>): Missing[] {
  return item.views.flatMap((view, k): Missing[] => {
    const key = keyOf(item, view);
    const wantsPooled = (cut === undefined || k < item.pooledViews) && pooled.find(key) === undefined;
    return wantsPooled || (cut !== undefined && cut.find(key) === undefined) ? [{ view, pooled: wantsPooled }] : [];
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
  const { folder, batch = trunkBatch(trunk.model.graph), onProgress, signal } = options;
  const unlock = lockFolder(folder, 'feature cache');
  const features = openFeatures(trunk, folder);
  try {
    const todo = items.flatMap((item) => {
      const missing = missingViews(item, features);
      return missing.length === 0 ? [] : [{ item, missing }];
    });
    const views = todo.reduce((sum, { missing }) => sum + missing.length, 0);
    const pooled = todo.reduce((sum, { missing }) => sum + missing.filter((m) => m.pooled).length, 0);
    const bytes = views * (features.cut?.recordBytes ?? 0) + pooled * features.pooled.recordBytes;
    options.onPlan?.({ views, bytes, free: freeBytes(folder) });
    checkSpace(folder, bytes, options.cacheLimit);
    if (views > 0)
      await computeMissing(trunk, todo, features, {
        batch,
        total: views,
        threads: options.threads,
        device: options.device,
        onProgress,
        signal,
      });
    return features;
  } catch (error) {
    features.close();
    throw error;
  } finally {
    unlock();
  }
}

function checkSpace(folder: string, bytes: number, limit: number | undefined): void {
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
  readonly device: Device | undefined;
  readonly onProgress: OnProgress | undefined;
  readonly signal: AbortSignal | undefined;
}

interface Todo {
  readonly item: ExtractionItem;
  readonly missing: readonly Missing[];
}

async function computeMissing(trunk: Trunk, todo: readonly Todo[], features: FeatureSet, job: Job): Promise<void> {
  const { batch, threads, device } = job;
  const preprocess = await openPreprocess(trunk.preprocess);
  let done = 0;
  const onRun = (count: number): void => {
    done += count;
    job.onProgress?.({ stage: 'features', done, total: job.total, unit: 'views' });
  };
  // The cut first: a view counts as remembered only with both, and the pooled features are asked for first.
  const stores = { [CUT]: features.cut, [POOLED]: features.pooled };
  const whole = await openLane(preprocess, trunk.model, stores, { batch, threads, device, onRun });
  const short =
    trunk.cutModel === undefined
      ? whole
      : await openLane(preprocess, trunk.cutModel, stores, { batch, threads, device, onRun });
  try {
    for await (const [{ item, missing }, image] of prefetch(todo, ({ item }) => decodeImage(item.path), AHEAD)) {
      for (const { view, pooled } of missing) {
        await (pooled ? whole : short).push(keyOf(item, view), applyView(image, view));
      }
      job.signal?.throwIfAborted();
    }
    await whole.flush();
    if (short !== whole) await short.flush();
  } finally {
    await preprocess.close();
    await whole.close();
    if (short !== whole) await short.close();
  }
}
