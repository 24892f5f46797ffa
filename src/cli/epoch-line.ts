import { isDefined } from '../evaluate/metric.ts';
import type { EpochMarker, EpochReport } from '../train/events.ts';
import { duration } from './format.ts';
import { cut, pad, printable, textWidth } from './text-width.ts';

const COLUMNS = 100;

/** What of an epoch its line shows. */
export type EpochSummary = Omit<EpochReport, 'balancedAccuracy' | 'confusionMatrix'>;

/** How pieces of a line are coloured. */
export interface Paint {
  dim(text: string): string;
  bold(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/**
 * An epoch as one line of at most 100 columns, aligned with those of other epochs; a star marks the best so far. Below it, one
 * line for each drop of the rate, thawed layer, and stop.
 */
export function epochLine(report: EpochSummary, paint: Paint): string[] {
  const { epoch, epochs, phase, trainLoss, valLoss, accuracy, auc, lr, frozen, seconds, markers } = report;
  const best = markers.some(({ kind }) => kind === 'best');
  const count = `${String(epoch).padStart(String(epochs).length)}/${epochs}`;
  const pieces = [
    paint.bold(pad(cut(phase, 9), 9)),
    count,
    `loss ${pad(loss(trainLoss), 6, 'right')}`,
    `val ${pad(loss(valLoss), 6, 'right')}`,
    `acc ${pad(`${(100 * accuracy).toFixed(1)}%`, 6, 'right')}`,
    `auc ${isDefined(auc) ? auc.toFixed(3) : '  –  '}`,
    `lr ${lr.toExponential(1)}`,
    pad(duration(seconds), 7, 'right'),
    best ? paint.green('*') : ' ',
  ];
  const line = pieces.join('  ');
  const rest = cut(printable(frozen), COLUMNS - 1 - textWidth(line));
  return [`${line} ${paint.dim(rest)}`, ...markers.flatMap((marker) => markerLine(marker, paint))];
}

function markerLine(marker: EpochMarker, paint: Paint): string[] {
  const indent = ' '.repeat(11);
  switch (marker.kind) {
    case 'best':
      return [];
    case 'rate':
      return [indent + paint.yellow(`↓ learning rate ${marker.from.toExponential(1)} → ${marker.to.toExponential(1)}`)];
    case 'thaw':
      return [indent + paint.cyan(`+ thawed ${printable(marker.layer)}`)];
    case 'stop':
      return [indent + paint.yellow(`■ stopped: ${marker.reason}`)];
  }
}

function loss(value: number): string {
  return value < 99.995 ? value.toFixed(value < 9.99995 ? 4 : 3) : value.toPrecision(3);
}
