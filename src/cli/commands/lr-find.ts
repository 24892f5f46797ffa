import { join } from 'node:path';
import type { Command } from 'commander';
import { definedOnly } from '../../core/defined-only.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { findRate, type RateSearch } from '../../train/lr-find.ts';
import { choice } from '../choice.ts';
import { displayFor } from '../display.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { decimal, integer } from '../numbers.ts';
import { showEvents } from '../show-events.ts';
import { sparkline } from '../sparkline.ts';
import { table } from '../table.ts';
import { settingsOf, type TrainFlags } from '../train-settings.ts';
import { DATA_ARGUMENT, trainingOptions } from './train.ts';

interface Flags extends TrainFlags {
  readonly out?: string;
  readonly phase?: RateSearch['phase'];
  readonly steps?: number;
  readonly from?: number;
  readonly to?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export function addLrFindCommand(program: Command): void {
  const command = program
    .command('lr-find')
    .description('try all learning rates in a row, and suggest one')
    .argument('[data]', DATA_ARGUMENT)
    .option('--out <folder>', 'folder to write lr-find.json to (default: it is not written)')
    .addOption(choice('--phase <name>', 'whose rate (default: the last phase that a run has)', ['head', 'fine-tune']))
    .option('--steps <n>', 'updates (default: 100)', integer)
    .option('--from <rate>', 'first rate (default: 1e-6)', decimal)
    .option('--to <rate>', 'last rate (default: 1)', decimal);
  trainingOptions(command).action(findAndShow);
}

async function findAndShow(data: string | undefined, flags: Flags): Promise<void> {
  const { out, phase, steps, from, to, quiet, json, ...settings } = flags;
  const mode = json === true ? 'json' : quiet === true ? 'quiet' : 'normal';
  const display = displayFor({ mode, stream: process.stdout });
  const interrupt = listenForInterrupt(() => {
    display.end();
    process.stderr.write('stopping after the step in progress; Ctrl-C again stops at once\n');
  });
  try {
    const found = await findRate(settingsOf(data, settings), {
      ...definedOnly({ phase, steps, from, to }),
      onEvent: showEvents(display),
      signal: interrupt.signal,
    });
    const path = out === undefined ? undefined : join(out, 'lr-find.json');
    if (path !== undefined) writeFileAtomic(path, `${JSON.stringify(found, null, 2)}\n`);
    display.end();
    display.result('lr-find', { ...found, ...definedOnly({ file: path }) }, textOf(found, path));
  } finally {
    display.end();
    interrupt.release();
  }
}

/** Rows of the table. */
const ROWS = 12;
const WIDTH = 60;

function textOf({ phase, configured, points, diverged, steepest, tenthOfLowest }: RateSearch, path?: string): string {
  const every = Math.max(1, Math.ceil(points.length / ROWS));
  const rows = points
    .filter((_, i) => i % every === 0 || i === points.length - 1)
    .map(({ rate, loss, smoothed }) => [short(rate), loss.toFixed(4), smoothed.toFixed(4)]);
  const losses = points.map((p) => Math.log(p.smoothed));
  const [first, last] = [points[0]!, points.at(-1)!];
  return [
    '',
    `learning rate of ${phase}: ${points.length} updates from ${short(first.rate)} to ${short(last.rate)}${diverged ? ', where the loss had gone up too far' : ''}`,
    '',
    ...table(['rate', 'loss', 'smoothed'], rows),
    '',
    `${sparkline(losses, WIDTH)}  smoothed loss, logarithmic`,
    '',
    ...table(
      ['suggestion', 'rate'],
      [
        ['where the loss falls fastest', steepest === undefined ? 'it never falls' : short(steepest)],
        ['a tenth of where it is lowest', short(tenthOfLowest)],
        ['in the settings', short(configured)],
      ],
    ),
    'A rate that peaks (one-cycle, cosine) may be the higher of the two, one that stays had better be the lower.',
    ...(path === undefined ? [] : [path]),
  ].join('\n');
}

const short = (rate: number): string => rate.toExponential(1);
