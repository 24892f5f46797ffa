import { isDefined } from '../../evaluate/metric.ts';
import { type RocPoint, rocCurve } from '../../evaluate/roc.ts';
import { type Mark, plot } from '../charts/plot.ts';
import { shareScale } from '../charts/scale.ts';
import { judged, type RunFacts } from '../facts.ts';
import { decimal, decimals, percent } from '../format.ts';
import { html } from '../markup.ts';
import { PUBLISHED_SYSTEMS, READER_POINTS, type ReaderPoint } from '../readers.ts';
import { dataTable, figure } from '../table.ts';
import { type Section, section } from './section.ts';

/** The ROC curve, beside what readers did elsewhere. */
export function roc(facts: RunFacts): Section | undefined {
  const { question, metrics } = judged(facts);
  const { malignant: m } = metrics;
  if (question === undefined || m === undefined) return undefined;
  const curve = rocCurve(question.scores, question.positives);
  if (!Array.isArray(curve)) return undefined;
  // Readers were asked about skin cancer: beside any other question their results mean nothing.
  const readers = question.name === 'malignant' ? READER_POINTS : [];
  const marks: Mark[] = readerMarks(readers);
  if (isDefined(m.sensitivity) && isDefined(m.specificity)) {
    const { sensitivity95, specificity95 } = m;
    marks.push({
      x: 1 - m.specificity,
      y: m.sensitivity,
      label: 'model',
      style: 's1',
      y95: isDefined(sensitivity95) ? sensitivity95 : undefined,
      x95: isDefined(specificity95) ? [1 - specificity95[1], 1 - specificity95[0]] : undefined,
    });
  }
  const chart = plot({
    title: `ROC curve of ${question.name}, area ${decimal(m.auc)}`,
    x: shareScale('1 − specificity: false alarms among the others'),
    y: shareScale(`sensitivity: share of ${question.name} found`),
    lines: [
      {
        name: 'model',
        style: 's1',
        points: corners(curve).map((p) => ({ x: p.falsePositiveRate, y: p.truePositiveRate })),
      },
    ],
    marks,
    reference: [
      { x: 0, y: 0 },
      { x: 1, y: 1 },
    ],
    height: 440,
  });
  return section(
    'roc',
    'ROC curve, and readers elsewhere',
    figure(
      chart,
      html`Area under the curve ${decimal(m.auc)} (95 % interval ${decimals(m.auc95Grouped ?? m.auc95)}). The point without a number is the model at its threshold of ${decimal(m.threshold)} with 95 % intervals; dashed is chance${
        readers.length > 0 && html`; numbers are the readers listed below`
      }.`,
      dataTable(
        'Points of the curve',
        ['sensitivity at least', 'sensitivity', 'specificity', 'threshold'],
        [0.99, 0.975, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5].flatMap((wanted) => {
          const point = curve.find((p) => p.truePositiveRate >= wanted - 1e-12);
          return point === undefined
            ? []
            : [
                [
                  percent(wanted),
                  percent(point.truePositiveRate),
                  percent(1 - point.falsePositiveRate),
                  point.threshold === null ? '–' : decimal(point.threshold, 4),
                ],
              ];
        }),
      ),
    ),
    readers.length > 0 && [
      dataTable(
        'Published results of readers',
        ['', 'readers', 'cases', 'sensitivity', 'specificity', 'source'],
        readers.map((r, i) => [
          String(i + 1),
          r.who,
          r.population,
          percent(r.sensitivity),
          percent(r.specificity),
          html`<a href="${r.link}">${r.source}</a>`,
        ]),
      ),
      dataTable('Published results of other systems', ['system', 'result'], PUBLISHED_SYSTEMS),
      html`<p class="caution"><b>What this comparison can show, and what it cannot.</b> Each point was measured by other people on other cases: another mix of diagnoses, another share of difficult lesions, mostly melanoma against naevi instead of malignant against benign. A curve above the points shows that the model works in the range that has been published. It does not show that the model is better than those readers, or as good: for that, readers and model must judge the same cases.</p>`,
    ],
  );
}

/** Readers by number; two that would lie on one another share a mark. */
function readerMarks(readers: readonly ReaderPoint[]): Mark[] {
  const marks: Mark[] = [];
  readers.forEach(({ specificity, sensitivity }, i) => {
    const x = 1 - specificity;
    const near = marks.findIndex((mark) => Math.hypot(mark.x - x, mark.y - sensitivity) < 0.012);
    const label = String(i + 1);
    if (near < 0) marks.push({ x, y: sensitivity, label, style: 's2' });
    else marks[near] = { ...marks[near]!, label: `${marks[near]!.label}, ${label}` };
  });
  return marks;
}

/** Points where the curve turns: those on a straight stretch are left out. */
function corners(curve: readonly RocPoint[]): RocPoint[] {
  return curve.filter((p, i) => {
    const before = curve[i - 1];
    const after = curve[i + 1];
    if (before === undefined || after === undefined) return true;
    const turn =
      (p.falsePositiveRate - before.falsePositiveRate) * (after.truePositiveRate - p.truePositiveRate) -
      (p.truePositiveRate - before.truePositiveRate) * (after.falsePositiveRate - p.falsePositiveRate);
    return Math.abs(turn) > 1e-15;
  });
}
