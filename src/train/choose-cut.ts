import type { Target } from '../autodiff/lower/lower.ts';
import type { Backbone } from '../backbone/types.ts';
import { hashUnit } from '../core/hash.ts';
import { isDefined, type Metric } from '../evaluate/metric.ts';
import type { Config } from './config.ts';
import type { OnTrainEvent } from './events.ts';
import { chooseScore, linearProbe, type ProbeData, type ProbeScore } from './linear-probe.ts';
import { classWeights, countByClass, type PreparedData } from './prepare.ts';
import { probeCandidates, probeFeatures } from './probe.ts';

/** Training images that a probe looks at, at most. */
const SAMPLE = 1500;

export interface CutContext {
  readonly cache: string;
  readonly threads: number | undefined;
  readonly target: Target;
  readonly onEvent: OnTrainEvent;
  readonly signal: AbortSignal | undefined;
}

/** The backbone as the run uses it, ending at its features, and where it is cut. */
export interface ChosenCut {
  readonly backbone: Backbone;
  readonly cut: string;
}

/**
 * The cut of the configuration, or for `auto` by a linear probe on the pooled features of every candidate cut,
 * cross-validated on training images only: the backbone then ends at the last candidate that is as good as the best, and training may thaw the
 * blocks between it and the candidate `fineTune.blocks` before it.
 */
export async function chooseCut(
  backbone: Backbone,
  config: Config,
  data: PreparedData,
  context: CutContext,
): Promise<ChosenCut> {
  const headOnly = config.fineTune.schedule === 'none' || config.fineTune.epochs === 0;
  if (config.cut !== 'auto') return { backbone, cut: headOnly ? 'features' : config.cut };
  const tokens = backbone.cuts.filter(({ dims }) => dims.length === 2);
  if (tokens.length > 0) {
    // A transformer has no maps to pool, and only its end was trained to be read: it is used whole.
    const before = tokens.at(-1 - config.fineTune.blocks)?.name ?? 'input';
    return { backbone, cut: headOnly ? 'features' : before };
  }
  const { cache, threads, target, onEvent, signal } = context;
  const candidates = probeCandidates(backbone);
  const rows = data.rows
    .filter((r) => r.split === 'train')
    .sort((a, b) => hashUnit(a.sha256) - hashUnit(b.sha256))
    .slice(0, SAMPLE);
  const { features } = await probeFeatures(backbone, candidates, rows, {
    folder: cache,
    threads,
    device: target.device,
    signal,
    onProgress: (progress) => onEvent({ kind: 'progress', progress }),
  });
  const probe: ProbeData = {
    labels: data.labels,
    taxonomy: data.taxonomy,
    targets: rows.map((r) => r.target),
    groups: rows.map((r) => r.example.lesionId ?? r.example.patientId ?? r.example.id),
    classWeights: classWeights(countByClass(data).train, 'balanced'),
  };
  const scores: ProbeScore[] = [];
  for (const part of features) {
    // A step on a few vectors is over before a graphics card has its first one.
    scores.push(await linearProbe(part, probe, config.seed, { block: target.block }, threads));
    signal?.throwIfAborted();
  }
  const best = chooseScore(scores);
  const show = (metric: Metric): string => (isDefined(metric) ? metric.toFixed(3) : '–');
  onEvent({
    kind: 'table',
    title: `linear probe of each cut, ${rows.length} training images, 3 folds`,
    headers: ['cut', 'shape', 'AUC', '±', 'balanced accuracy', ''],
    rows: candidates.map(({ name, dims }, i) => [
      name,
      dims.join(' × '),
      show(scores[i]!.auc),
      scores[i]!.error.toFixed(3),
      show(scores[i]!.balancedAccuracy),
      i === best ? '← chosen' : '',
    ]),
  });
  const chosen = candidates[best]!;
  const end = backbone.cuts.findIndex((c) => c.name === chosen.name);
  const ending: Backbone = { ...backbone, features: chosen.tensor, cuts: backbone.cuts.slice(0, end + 1) };
  const before = candidates[best - config.fineTune.blocks]?.name ?? 'input';
  return { backbone: ending, cut: headOnly ? 'features' : before };
}
