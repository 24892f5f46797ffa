import { isDefined } from '../../evaluate/metric.ts';
import { type Line, legend, plot, type Rule } from '../charts/plot.ts';
import { type Scale, scaleAround } from '../charts/scale.ts';
import type { RunFacts } from '../facts.ts';
import { decimal, percent, rate } from '../format.ts';
import { html, type Markup } from '../markup.ts';
import type { EpochLine } from '../run-log.ts';
import { dataTable, figure } from '../table.ts';
import { type Section, section } from './section.ts';

/** Loss, validation figures and rate by epoch, with what happened when. */
export function training({ log, config }: RunFacts): Section | undefined {
  const { epochs } = log;
  if (epochs.length === 0) return undefined;
  const x: Scale = {
    label: 'epoch',
    low: 1,
    high: Math.max(2, epochs.length),
    format: (v) => String(Math.round(v * 10) / 10),
  };
  const rules = rulesOf(epochs);
  const line = (name: string, style: Line['style'], value: (e: EpochLine) => number | undefined): Line => ({
    name,
    style,
    dots: true,
    points: epochs.flatMap((epoch, i) => {
      const y = value(epoch);
      return y === undefined ? [] : [{ x: i + 1, y }];
    }),
  });
  const losses = [line('training', 's2', (e) => e.trainLoss), line('validation', 's1', (e) => e.valLoss)];
  const figures = [
    line('AUC', 's1', (e) => (isDefined(e.auc) ? e.auc : undefined)),
    line('balanced accuracy', 's2', (e) => e.balancedAccuracy),
    line('accuracy', 's3', (e) => e.accuracy),
  ];
  const rates = [line('learning rate', 's1', (e) => e.lr)];
  const chart = (title: string, lines: readonly Line[], label: string): Markup =>
    html`<div><h3>${title}</h3>${plot({ title: `${title} by epoch`, x, y: scaleAround(label, valuesOf(lines)), lines, rules, height: 250 })}${lines.length > 1 && legend(lines)}</div>`;
  const lowest = Math.min(...valuesOf(rates).filter((v) => v > 0));
  const highest = Math.max(...valuesOf(rates));
  return section(
    'training',
    'Training',
    html`<p>${describe(epochs)} The weights kept are those of ${
      config.best === 'last'
        ? 'the last epoch'
        : html`the epoch with the best validation ${config.best === 'auc' ? 'AUC' : 'loss'}`
    }. Test images took no part in any of this.</p>`,
    figure(
      html`<div class="charts">${chart('Loss', losses, 'loss (nats)')}${chart('On the validation images', figures, 'share or area')}
<div><h3>Learning rate</h3>${plot({
        title: 'Learning rate by epoch, logarithmic',
        x,
        y: {
          label: 'rate at the end of the epoch',
          // A constant rate of a power of ten would leave no room between the ends.
          low: 10 ** Math.floor(Math.log10(Math.max(lowest, highest / 1e5)) - 1e-6),
          high: 10 ** Math.ceil(Math.log10(highest)),
          logarithmic: true,
          format: (v) => v.toExponential(0),
        },
        lines: rates,
        rules,
        height: 250,
      })}</div></div>`,
      'Vertical lines: a new phase, layers that thaw, a lower rate. Training loss is with class weights and smoothing, so the two losses are not on one scale.',
      dataTable(
        'Epochs',
        [
          'epoch',
          'phase',
          'frozen',
          'training loss',
          'validation loss',
          'AUC',
          'balanced accuracy',
          'accuracy',
          'rate',
          'events',
        ],
        epochs.map((e, i) => [
          i + 1,
          e.phase,
          e.frozen,
          decimal(e.trainLoss),
          decimal(e.valLoss),
          decimal(e.auc),
          percent(e.balancedAccuracy),
          percent(e.accuracy),
          rate(e.lr),
          e.markers.map(eventOf).join('; '),
        ]),
      ),
    ),
  );
}

function describe(epochs: readonly EpochLine[]): string {
  const head = epochs.filter(({ phase }) => phase === 'head').length;
  const tuned = epochs.filter(({ phase }) => phase !== 'head');
  const seconds = epochs.reduce((sum, e) => sum + e.seconds, 0);
  const time = seconds < 120 ? `${seconds.toFixed(0)} seconds` : `${(seconds / 60).toFixed(0)} minutes`;
  const second =
    tuned.length === 0
      ? ''
      : `, then ${tuned.length} of fine-tuning (at the end frozen: ${tuned.at(-1)?.frozen ?? ''})`;
  return `${head} epochs of the new head on a frozen backbone${second}; ${time} of training steps.`;
}

/** Where phases begin, layers thaw and rates fall on their own. */
function rulesOf(epochs: readonly EpochLine[]): Rule[] {
  return epochs.flatMap((epoch, i) => {
    const begins = i > 0 && epochs[i - 1]!.phase !== epoch.phase ? [{ x: i + 0.5, label: epoch.phase }] : [];
    const thawed = epoch.markers.filter(({ kind }) => kind === 'thaw');
    const lowered = epoch.markers.some(({ kind }) => kind === 'rate');
    return [
      ...begins,
      ...(thawed.length === 0 ? [] : [{ x: i + 1, label: 'thaw' }]),
      ...(lowered ? [{ x: i + 1, label: 'rate ↓' }] : []),
    ];
  });
}

function eventOf({ kind, from, to, layer, reason }: EpochLine['markers'][number]): string {
  if (kind === 'rate' && from !== undefined && to !== undefined) return `rate ${rate(from)} → ${rate(to)}`;
  if (kind === 'thaw') return `thawed ${layer ?? ''}`;
  if (kind === 'stop') return `stopped: ${reason ?? ''}`;
  return kind === 'best' ? 'best so far' : kind;
}

function valuesOf(lines: readonly Line[]): number[] {
  return lines.flatMap(({ points }) => points.map(({ y }) => y));
}
