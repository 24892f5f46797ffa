import { rank } from '../../evaluate/ranking.ts';
import { plot } from '../charts/plot.ts';
import { shareScale } from '../charts/scale.ts';
import { judged, type RunFacts } from '../facts.ts';
import { decimal, percent } from '../format.ts';
import { html } from '../markup.ts';
import { dataTable, figure } from '../table.ts';
import { type Section, section } from './section.ts';

/** How many alarms are right, against how many of the positive cases are found. */
export function precisionRecall(facts: RunFacts): Section | undefined {
  const { question, metrics } = judged(facts);
  const { malignant: m } = metrics;
  if (question === undefined || m === undefined || m.nPositive === 0) return undefined;
  const { thresholds, truePositives, falsePositives, positives } = rank(question.scores, question.positives);
  const points = Array.from(thresholds, (threshold, k) => ({
    threshold,
    x: truePositives[k]! / positives,
    y: truePositives[k]! / (truePositives[k]! + falsePositives[k]!),
  }));
  const prevalence = m.nPositive / m.n;
  return section(
    'precision-recall',
    'Precision and recall',
    figure(
      plot({
        title: `Precision against recall of ${question.name}, average precision ${decimal(m.averagePrecision)}`,
        x: shareScale(`recall (sensitivity): share of ${question.name} found`),
        y: shareScale('precision: share of alarms that are right'),
        lines: [{ name: 'model', style: 's1', points: thinned(points) }],
        reference: [
          { x: 0, y: prevalence },
          { x: 1, y: prevalence },
        ],
        height: 340,
      }),
      html`Average precision ${decimal(m.averagePrecision)}; dashed is chance, the share of ${question.name} among these cases (${percent(prevalence)}). Precision depends on that share: where ${question.name} is rarer, as in most practices, more alarms are false.`,
      dataTable(
        'Points of the curve',
        ['recall at least', 'recall', 'precision', 'threshold'],
        [0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1].flatMap((wanted) => {
          const point = points.find(({ x }) => x >= wanted - 1e-12);
          return point === undefined
            ? []
            : [[percent(wanted), percent(point.x), percent(point.y), decimal(point.threshold, 4)]];
        }),
      ),
    ),
  );
}

/** Points that are within a quarter of a unit of the picture of the last one are left out. */
function thinned<P extends { readonly x: number; readonly y: number }>(points: readonly P[]): P[] {
  const kept: P[] = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (last === undefined || Math.hypot(point.x - last.x, point.y - last.y) > 6e-4) kept.push(point);
  }
  const end = points.at(-1);
  return end === undefined || kept.at(-1) === end ? kept : [...kept, end];
}
