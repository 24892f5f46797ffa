import { join } from 'node:path';
import { checkDifferentiable } from '../autodiff/append-gradients.ts';
import { PORTABLE, type Target } from '../autodiff/lower/lower.ts';
import { loadBackbone } from '../backbone/registry.ts';
import type { Backbone } from '../backbone/types.ts';
import { definedOnly } from '../core/defined-only.ts';
import type { OnProgress } from '../core/events.ts';
import { cacheFolder, gigabytes } from '../core/files.ts';
import { type ExtractionItem, extractFeatures, type FeatureSet } from '../features/extract.ts';
import { planTrunk, type Trunk, tailGraph } from '../features/trunk.ts';
import { checkShippable } from '../model/ship.ts';
import { blockSize } from '../onnx/blocked.ts';
import type { Device } from '../onnx/device.ts';
import type { Model } from '../onnx/model.ts';
import { upgradeOpset } from '../onnx/passes/upgrade-opset.ts';
import { chooseCut } from './choose-cut.ts';
import type { Config } from './config.ts';
import type { OnTrainEvent } from './events.ts';
import { type PreparedData, pooledViewsOf, viewsOf } from './prepare.ts';

/** Everything that training works on: the data, the backbone cut in two, and what its trunk says of the images. */
export interface Prepared {
  readonly config: Config;
  readonly data: PreparedData;
  /** The backbone's network as it was loaded, in its own operator set: what ships. */
  readonly original: Model;
  readonly backbone: Backbone;
  readonly cut: string;
  readonly trunk: Trunk;
  readonly items: readonly ExtractionItem[];
  readonly features: FeatureSet;
  readonly threads: number | undefined;
  readonly target: Target;
}

/** How the user hears of it, and stops it. */
export interface Company {
  readonly onEvent: OnTrainEvent;
  readonly signal: AbortSignal | undefined;
  /** Does the work of a stage, and notes how long that took. */
  readonly timed: <T>(stage: string, work: () => Promise<T>) => Promise<T>;
}

/**
 * Loads the backbone, settles the cut, and computes the features that are not remembered yet.
 *
 * @param cache folder that remembers features. Default: `features` in the user's cache
 * @returns to be closed by `features.close()`
 */
export async function prepareFeatures(
  config: Config,
  data: PreparedData,
  device: Device,
  cache: string | undefined,
  { onEvent, signal, timed }: Company,
): Promise<Prepared> {
  const onProgress: OnProgress = (progress) => onEvent({ kind: 'progress', progress });
  const note = (text: string): void => onEvent({ kind: 'note', text });
  const remembered = cache ?? join(cacheFolder(), 'features');
  // The last bits of a feature depend on what computed it: what one device remembered is not for another.
  const folder = device === 'cpu' ? remembered : join(remembered, device);
  const threads = config.threads ?? undefined;
  const target: Target = device === 'cpu' ? { block: await blockSize() } : { ...PORTABLE, device };
  if (device !== 'cpu') note(`device: ${device}`);
  const { name, ...backboneOptions } = config.backbone;
  const loaded = await timed('backbone', () =>
    loadBackbone(name, { ...definedOnly(backboneOptions), onProgress, ...definedOnly({ signal }) }),
  );
  const whole: Backbone = { ...loaded, model: upgradeOpset(loaded.model) };
  checkShippable(loaded);
  const { backbone, cut } = await timed('cut', () =>
    chooseCut(whole, config, data, { cache: folder, threads, target, onEvent, signal }),
  );
  const tail = tailGraph(backbone, cut);
  if (tail !== undefined) checkDifferentiable(tail);
  const trunk = planTrunk(backbone, cut);
  note(
    `backbone ${backbone.name}, cut at ${cut}, ${trunk.width} features, input ${backbone.input.size} × ${backbone.input.size}`,
  );

  const items = data.rows.map(
    (row): ExtractionItem => ({
      path: row.example.path,
      sha256: row.sha256,
      views: viewsOf(row, config),
      pooledViews: pooledViewsOf(row, config),
    }),
  );
  const features = await timed('features', () =>
    extractFeatures(trunk, items, {
      folder,
      device,
      onProgress,
      onPlan: ({ views, bytes, free }) =>
        note(
          views === 0
            ? 'features: all remembered from before'
            : `features: ${views} views to compute, ${gigabytes(bytes)} on disk, ${gigabytes(free)} free`,
        ),
      ...(threads === undefined ? {} : { threads }),
      ...(signal === undefined ? {} : { signal }),
      ...(config.cacheLimit === null ? {} : { cacheLimit: config.cacheLimit * 1e9 }),
    }),
  );
  return { config, data, original: loaded.model, backbone, cut, trunk, items, features, threads, target };
}
