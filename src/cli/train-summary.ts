import { join } from 'node:path';
import { INTENDED_USE } from '../model/card.ts';
import type { Evaluation } from '../model/evaluate.ts';
import type { TrainResult } from '../train/train.ts';
import { duration } from './format.ts';
import { headlineRows, METRIC_HEADERS } from './metrics-text.ts';
import { table } from './table.ts';

/** What a training came to: as data for programs, and as text for people. */
export function trainSummary(result: TrainResult): [data: Readonly<Record<string, unknown>>, text: string] {
  const { folder, best, seconds, validation, test, config, backbone, cut } = result;
  const total = Object.values(seconds).reduce((a, b) => a + b, 0);
  const measured: Evaluation = test ?? validation;
  const { n, nGroups, labels } = measured.metrics;
  const of = nGroups === n ? '' : ` of ${nGroups} lesions or patients`;
  const text = [
    '',
    `Trained ${labels.length} classes (${labels.join(', ')}) in ${duration(total)}: ${backbone} with a ${config.head.kind} head, ${best.phase === 'head' ? 'the backbone frozen' : trained(cut)}; kept epoch ${best.epoch} of ${best.phase}.`,
    '',
    test === undefined
      ? `On ${n} validation images${of}, which also chose the epoch (the split has no test images), so the figures flatter:`
      : `On ${n} test images${of} that training never saw:`,
    ...table(METRIC_HEADERS, headlineRows(measured.metrics)),
    '',
    ...table(
      ['', ''],
      [
        ['model', folder.model],
        ['predictions, metrics', test === undefined ? folder.validation : folder.test],
        ['settings, split, log', folder.root],
        ['time', stageTimes(seconds)],
        ['curves', `tensorboard --logdir ${folder.tensorboard}`],
      ],
    ).slice(2),
    '',
    `next: nevus predict ${folder.root} IMAGE…`,
    `(${INTENDED_USE})`,
  ].join('\n');
  const data = {
    run: folder.root,
    model: folder.model,
    best,
    seconds,
    validation: { folder: folder.validation, metrics: validation.metrics },
    ...(test === undefined ? {} : { test: { folder: folder.test, metrics: test.metrics } }),
    log: join(folder.root, 'log.jsonl'),
    intendedUse: INTENDED_USE,
  };
  return [data, text];
}

/** Stages that took a second or more, in the order of the run. */
function stageTimes(seconds: TrainResult['seconds']): string {
  const shown = Object.entries(seconds).filter(([, s]) => s >= 1);
  return shown.map(([stage, s]) => `${stage} ${duration(s)}`).join(', ') || 'under a second a stage';
}

function trained(cut: string): string {
  return cut === 'input' ? 'all of it trained' : `fine-tuned behind ${cut}`;
}
