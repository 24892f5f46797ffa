import { decisionCurve, type NetBenefit, usefulRange } from '../../evaluate/decision-curve.ts';
import { isUndefined } from '../../evaluate/metric.ts';
import { type Line, legend, plot } from '../charts/plot.ts';
import { shareScale } from '../charts/scale.ts';
import { judged, type RunFacts } from '../facts.ts';
import { decimal, percent } from '../format.ts';
import { html } from '../markup.ts';
import { dataTable, figure } from '../table.ts';
import { type Section, section } from './section.ts';

/** Whether acting on the model beats acting on everybody and on nobody. */
export function decision(facts: RunFacts): Section | undefined {
  const { question, metrics } = judged(facts);
  if (question === undefined || metrics.malignant === undefined) return undefined;
  const curve = decisionCurve(question.scores, question.positives);
  if (isUndefined(curve)) return undefined;
  const prevalence = metrics.malignant.nPositive / metrics.n;
  const high = Math.ceil(prevalence * 1.15 * 20) / 20;
  const low = -high / 4;
  // A line stops where it leaves the picture: its way down to minus infinity tells nothing.
  const line = (name: string, style: Line['style'], of: (p: NetBenefit) => number): Line => ({
    name,
    style,
    points: curve.filter((p) => of(p) >= low).map((p) => ({ x: p.threshold, y: of(p) })),
  });
  const lines = [
    line('act where the model says so', 's1', (p) => p.model),
    line('act on everybody', 's2', (p) => p.all),
    line('act on nobody', 'quiet', (p) => p.none),
  ];
  const range = usefulRange(curve);
  return section(
    'decision-curve',
    'Decision curve',
    figure(
      html`${plot({
        title: 'Net benefit against threshold probability',
        x: shareScale('threshold: probability above which one would act'),
        y: { label: 'net benefit (true finds per image)', low, high, format: (v) => v.toFixed(2) },
        lines,
        height: 340,
      })}${legend(lines)}`,
      html`Net benefit counts finds, less false alarms at the price that the threshold sets on them (Vickers and Elkin 2006). The model is of use where its line is the highest${
        isUndefined(range)
          ? ': nowhere here'
          : `: between thresholds of ${percent(range[0], 0)} and ${percent(range[1], 0)}`
      }, if ${question.name} is as frequent as here (${percent(prevalence)}) and probabilities are calibrated.`,
      dataTable(
        'Net benefit',
        ['threshold', 'model', 'everybody', 'nobody'],
        curve
          .filter(({ threshold }) =>
            [1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90].includes(Math.round(100 * threshold)),
          )
          .map((p) => [percent(p.threshold, 0), decimal(p.model, 4), decimal(p.all, 4), '0']),
      ),
    ),
  );
}
