import { brierDecomposition } from '../../evaluate/brier.ts';
import { calibrationLine } from '../../evaluate/calibration-line.ts';
import { type Estimate, isUndefined } from '../../evaluate/metric.ts';
import { calibrationError, reliabilityCurve } from '../../evaluate/reliability.ts';
import { plot } from '../charts/plot.ts';
import { shareScale } from '../charts/scale.ts';
import { judged, type RunFacts } from '../facts.ts';
import { count, decimal, decimals, percent, percents } from '../format.ts';
import { html } from '../markup.ts';
import { dataTable, figure } from '../table.ts';
import { type Section, section } from './section.ts';

/** Whether a probability of 30 % comes true in 30 of a hundred. */
export function calibration(facts: RunFacts): Section | undefined {
  const { question } = judged(facts);
  if (question === undefined) return undefined;
  const { scores, positives, name } = question;
  const bins = reliabilityCurve(scores, positives);
  const brier = brierDecomposition(scores, positives);
  const line = calibrationLine(scores, positives);
  const settled = facts.model?.card.calibration;
  const row = (text: string, { value, interval95 }: Estimate, ideal: string) => [
    text,
    decimal(value),
    decimals(interval95),
    ideal,
  ];
  return section(
    'calibration',
    'Calibration',
    html`<p>${
      settled === undefined
        ? 'The probabilities are those of the network as it was trained; nothing was fitted to make them truer.'
        : `Probabilities were calibrated on ${count(settled.n)} validation images (temperature ${decimal(settled.temperature)}${settled.platt === undefined ? '' : `, then Platt’s line with slope ${decimal(settled.platt.slope)} and intercept ${decimal(settled.platt.intercept)}`}). These are the calibrated ones.`
    }</p>`,
    figure(
      plot({
        title: `Observed share of ${name} against predicted probability, in ten bins`,
        x: shareScale(`predicted probability of ${name}`),
        y: shareScale(`observed share of ${name}`),
        lines: [{ name: 'observed', style: 's1', points: bins.map((b) => ({ x: b.predicted, y: b.observed })) }],
        marks: bins.map((b) => ({
          x: b.predicted,
          y: b.observed,
          label: '',
          style: 's1',
          y95: [b.observed95[0], b.observed95[1]],
        })),
        reference: [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
        height: 400,
      }),
      'On the dashed line probabilities mean what they say. Above it, the model says too little; below it, too much. Bars are 95 % Wilson intervals, images taken as independent.',
      dataTable(
        'Ten bins of equal width; empty ones are left out',
        ['predicted', 'images', `of them ${name}`, 'mean predicted', 'observed', '95 % interval'],
        bins.map((b) => [
          `${percent(b.range[0], 0)} to ${percent(b.range[1], 0)}`,
          count(b.n),
          count(b.positives),
          percent(b.predicted),
          percent(b.observed),
          percents(b.observed95),
        ]),
      ),
    ),
    dataTable(
      'Calibration in figures',
      ['', 'value', '95 % interval', 'perfect'],
      [
        row('slope: below 1 too extreme, above 1 too timid', line.slope, '1'),
        row('intercept at slope 1: below 0 too high on the whole', line.interceptAtSlope1, '0'),
        ['expected calibration error, ten bins', decimal(calibrationError(scores, positives)), '', '0'],
        [
          'expected calibration error, ten bins of equal size',
          decimal(calibrationError(scores, positives, { binning: 'mass' })),
          '',
          '0',
        ],
        ...(isUndefined(brier)
          ? []
          : [
              ['Brier score', decimal(brier.brier), '', '0'],
              ['the same of always answering the prevalence', decimal(brier.uncertainty), '', ''],
            ]),
      ],
    ),
  );
}
