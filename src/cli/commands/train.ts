import type { Command } from 'commander';
import { NORMALISATIONS } from '../../backbone/normalisation.ts';
import { messageOf, UsageError } from '../../core/errors.ts';
import { writeReport } from '../../report/report.ts';
import { SCHEDULES } from '../../train/config.ts';
import { resumeTraining, type TrainOptions, train } from '../../train/train.ts';
import { choice } from '../choice.ts';
import { deviceOption } from '../device-option.ts';
import { type Display, displayFor } from '../display.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { decimal, integer } from '../numbers.ts';
import { showEvents } from '../show-events.ts';
import { freshRunFolder, settingsOf, type TrainFlags } from '../train-settings.ts';
import { trainSummary } from '../train-summary.ts';

interface Flags extends TrainFlags {
  readonly out?: string;
  readonly resume?: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export function addTrainCommand(program: Command): void {
  const command = program
    .command('train')
    .description('train a model on labelled images, test it, and write it to one ONNX file')
    .argument('[data]', DATA_ARGUMENT)
    .option('--out <run>', 'folder of the run: new or empty (default: a fresh runs/<data>-<n>)')
    .option('--resume <run>', 'go on with a run that was stopped; takes no other settings');
  trainingOptions(command).action(runTrain);
}

/** What the data of a training may be. */
export const DATA_ARGUMENT = 'class folders, train/val/test folders of class folders, or a CSV table of images';

/** The options of all commands that train: settings, and how the user hears of it. */
export function trainingOptions(command: Command): Command {
  return command
    .addOption(choice('--preset <name>', 'settings to start from (default: standard)', ['quick', 'standard']))
    .option('--config <file>', 'settings as YAML, all or some: over the preset, under the options given here')
    .option('--seed <n>', 'decides the split and everything random', integer)
    .option('--label <column>', 'column of the table with the class names')
    .option('--group <column>', 'column with what the split must not tear apart, such as the lesion')
    .option('--image <column>', 'column with the image files')
    .option('--validation-source <name>', 'hold out all images of one source as the validation set')
    .option('--allow-bad', 'go on even if more than 5 % of the images cannot be used')
    .option('--backbone <name>', 'a name (nevus backbone list), a file of ONNX or of weights, hub:… or https:…')
    .option('--features <tensor>', 'tensor of the backbone that the head is attached to')
    .addOption(
      choice('--normalisation <kind>', 'how pixels become numbers, for ONNX files that do not say it', NORMALISATIONS),
    )
    .option('--size <pixels>', 'height and width, for ONNX files that leave them free', integer)
    .option(
      '--cut <name>',
      'the backbone trains behind it: a cut point, features (only the head), input (all), or auto',
    )
    .addOption(choice('--head <kind>', 'the new layers', ['linear', 'mlp']))
    .option('--views <n>', 'augmented copies of every training image', integer)
    .option('--epochs <n>', 'epochs of fine-tuning', integer)
    .addOption(choice('--schedule <kind>', 'of fine-tuning', SCHEDULES))
    .addOption(choice('--unfreeze <unit>', 'what thaws together', ['layer', 'block']))
    .addOption(
      choice('--best <measure>', 'validation measure that decides which epoch is kept, or the last one', [
        'loss',
        'auc',
        'last',
      ]),
    )
    .option('--accumulate <n>', 'batches of fine-tuning whose gradients make one update', integer)
    .option('--ema <decay>', 'of a moving average of the weights, which is then what is kept; 0: none', decimal)
    .option('--tta', 'average the eight flips and quarter turns when evaluating')
    .option('--threads <n>', 'threads of the arithmetic (default: all cores)', integer)
    .addOption(deviceOption())
    .option('--cache-limit <GB>', 'most gigabytes of features to add to the cache', decimal)
    .option('--quiet', 'warnings and the result only')
    .option('--json', 'one JSON object a line');
}

async function runTrain(data: string | undefined, flags: Flags): Promise<void> {
  const { out, resume, quiet, json, ...settings } = flags;
  if (resume !== undefined) refuseSettings(data, out, settings);
  const display = displayFor({
    mode: json === true ? 'json' : quiet === true ? 'quiet' : 'normal',
    stream: process.stdout,
  });
  const interrupt = listenForInterrupt(() => {
    display.end();
    process.stderr.write('stopping after the step in progress; Ctrl-C again stops at once\n');
  });
  const options = (folder: string): TrainOptions => ({
    out: folder,
    onEvent: showEvents(display),
    signal: interrupt.signal,
  });
  try {
    if (resume !== undefined) {
      const result = await resumeTraining(options(resume));
      display.end();
      await report(resume, display);
      display.result('trained', ...trainSummary(result));
      return;
    }
    const config = settingsOf(data, settings);
    const folder = out ?? freshRunFolder(config.data);
    display.note(`run folder: ${folder}`);
    const result = await train(config, options(folder));
    display.end();
    await report(folder, display);
    display.result('trained', ...trainSummary(result));
  } finally {
    display.end();
    interrupt.release();
  }
}

/** A training that has ended is not lost because its report cannot be written. */
async function report(folder: string, display: Display): Promise<void> {
  try {
    display.note(`report: ${(await writeReport(folder)).page}`);
  } catch (error) {
    display.warn(`no report was written: ${messageOf(error)}`);
  }
}

/** A run goes on with the settings that it was started with. */
function refuseSettings(data: string | undefined, out: string | undefined, settings: TrainFlags): void {
  const given = [
    ...(data === undefined ? [] : ['DATA']),
    ...(out === undefined ? [] : ['out']),
    ...Object.keys(settings),
  ];
  if (given.length === 0) return;
  throw new UsageError(
    'cli/resume',
    `train --resume: expected no other settings, got ${given.join(', ')}`,
    'A run goes on with the settings in its config.yaml. For other settings start a new run.',
  );
}
