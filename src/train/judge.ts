import { decideRows } from '../evaluate/argmax.ts';
import { accuracyOf, balancedAccuracyOf, confusionMatrix } from '../evaluate/confusion.ts';
import { isDefined } from '../evaluate/metric.ts';
import { questionAuc } from '../evaluate/question-auc.ts';
import { watchPlateau } from '../optim/schedules.ts';
import type { EpochMarker, EpochReport } from './events.ts';
import type { Phase, PhaseContext, PhaseProgress } from './phase.ts';

/** What validation says of an epoch. */
export type Scores = Pick<EpochReport, 'valLoss' | 'accuracy' | 'balancedAccuracy' | 'auc' | 'confusionMatrix'>;

/** @param probabilities [validation rows × C] */
export function scoreValidation(
  { data, classWeights, priors }: PhaseContext,
  validation: readonly number[],
  probabilities: Float32Array,
): Scores {
  const { labels, taxonomy } = data;
  const classes = labels.length;
  const targets = validation.map((row) => data.rows[row]!.target);
  let loss = 0;
  let weight = 0;
  targets.forEach((t, i) => {
    loss -= classWeights[t]! * Math.log(Math.max(probabilities[i * classes + t]!, 1e-12));
    weight += classWeights[t]!;
  });
  const matrix = confusionMatrix(targets, decideRows(probabilities, classes, priors), classes);
  const accuracy = accuracyOf(matrix);
  const balanced = balancedAccuracyOf(matrix);
  return {
    valLoss: loss / weight,
    accuracy: isDefined(accuracy) ? accuracy : 0,
    balancedAccuracy: isDefined(balanced) ? balanced : 0,
    auc: questionAuc(labels, taxonomy, probabilities, targets),
    confusionMatrix: matrix,
  };
}

/** The rate, the thaw line and the best epoch after an epoch. */
export function afterEpoch(
  phase: Phase,
  context: PhaseContext,
  before: PhaseProgress,
  scores: Scores,
  steps: number,
): { progress: PhaseProgress; improved: boolean; markers: EpochMarker[] } {
  const markers: EpochMarker[] = [];
  // Higher is better. Where no AUC is defined the loss decides.
  const score = context.best === 'auc' && isDefined(scores.auc) ? scores.auc : -scores.valLoss;
  const epoch = before.epoch + 1;
  const last = context.best === 'last';
  const improved = last || before.best === null || score > before.best.score;
  const watched = watchPlateau(
    { best: before.reduce.best ?? Number.POSITIVE_INFINITY, waited: before.reduce.waited },
    scores.valLoss,
    { patience: phase.reduce.patience },
  );
  let { rate, thawed } = before;
  if (improved && !last) markers.push({ kind: 'best' });
  const followsLoss = phase.schedule === 'plateau' || phase.schedule === 'progressive';
  if (followsLoss && watched.plateau && epoch < phase.epochs) {
    rate *= phase.reduce.factor;
    markers.push({ kind: 'rate', from: before.rate, to: rate });
    if (phase.schedule === 'progressive' && thawed < phase.units.length) {
      thawed += 1;
      markers.push({ kind: 'thaw', layer: phase.units[thawed - 1]!.name });
    }
  }
  const waited = improved ? 0 : before.waited + 1;
  if (waited >= phase.stopAfter) markers.push({ kind: 'stop', reason: `no better score for ${waited} epochs` });
  const progress: PhaseProgress = {
    phase: phase.name,
    epoch,
    steps,
    rate,
    reduce: watched.state,
    waited,
    thawed,
    best: improved ? { phase: phase.name, epoch, score } : before.best,
  };
  return { progress, improved, markers };
}

/** What stays as it was: the whole backbone, what lies before the cut, or what lies below the thaw line. */
export function frozenIn({ units, trunk }: Phase, thawed: number): string {
  if (units.length === 0) return 'backbone';
  return thawed === units.length ? trunk : `below ${units[thawed - 1]!.name}`;
}
