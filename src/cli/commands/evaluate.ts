import { basename, dirname, extname, join } from 'node:path';
import type { Command } from 'commander';
import { definedOnly } from '../../core/defined-only.ts';
import { inspectImages } from '../../dataset/inspect.ts';
import { checkProblems, problemTable } from '../../dataset/problems.ts';
import { readDataset } from '../../dataset/read.ts';
import type { Example, Split } from '../../dataset/types.ts';
import { INTENDED_USE } from '../../model/card.ts';
import { openClassifier } from '../../model/classifier.ts';
import { evaluateDataset } from '../../model/evaluate.ts';
import { chooseDevice, type DeviceChoice } from '../../onnx/device.ts';
import { type AskedRun, columnsFor, findRun } from '../asked-run.ts';
import { choice } from '../choice.ts';
import { deviceOption } from '../device-option.ts';
import type { Display } from '../display.ts';
import { displayFor } from '../display.ts';
import { examplesOf, trainedOn } from '../evaluated-split.ts';
import { metricsText } from '../metrics-text.ts';
import { integer } from '../numbers.ts';

interface EvaluateFlags {
  readonly split?: Split;
  readonly out?: string;
  readonly label?: string;
  readonly group?: string;
  readonly image?: string;
  readonly allowBad?: boolean;
  readonly tta?: boolean;
  readonly threads?: number;
  readonly device?: DeviceChoice;
  readonly seed?: number;
  readonly json?: boolean;
}

export function addEvaluateCommand(program: Command): void {
  program
    .command('evaluate')
    .description('test a trained model on labelled images')
    .argument('<model>', 'folder of a run, or a model.onnx')
    .argument('<data>', 'labelled images, as for nevus train')
    .addOption(choice('--split <name>', 'only the images of this split', ['train', 'val', 'test']))
    .option('--out <folder>', 'for predictions.csv and metrics.json (default: evaluate/<data> beside the model)')
    .option('--label <column>', 'column of the table with the class names')
    .option('--group <column>', 'column with the lesion or patient, which intervals respect')
    .option('--image <column>', 'column with the image files')
    .option('--allow-bad', 'go on even if more than 5 % of the images cannot be used')
    .option('--tta', 'average over the eight flips and quarter turns')
    .option('--threads <n>', 'threads of the arithmetic (default: all cores)', integer)
    .addOption(deviceOption())
    .option('--seed <n>', 'of the resampling behind the intervals (default: the run’s, or 0)', integer)
    .option('--json', 'one JSON object a line')
    .action(runEvaluate);
}

async function runEvaluate(model: string, data: string, flags: EvaluateFlags): Promise<void> {
  const { split, tta, threads } = flags;
  const display = displayFor({ mode: flags.json === true ? 'json' : 'normal', stream: process.stdout });
  const device = await chooseDevice(flags.device ?? 'cpu', display.warn);
  const classifier = await openClassifier(model, { threads, device });
  try {
    const run = findRun(model);
    const seed = flags.seed ?? run?.config.seed ?? 0;
    const examples = await readExamples(run, data, flags, display);
    const out = flags.out ?? defaultFolder(model, run, data, split);
    const { metrics } = await evaluateDataset(classifier, examples, { tta, seed, out, onProgress: display.progress });
    display.end();
    display.result(
      'evaluated',
      { model, data, ...(split === undefined ? {} : { split }), out, metrics, intendedUse: INTENDED_USE },
      [
        '',
        `${metrics.n} images${metrics.nGroups === metrics.n ? '' : ` of ${metrics.nGroups} lesions or patients`}${split === undefined ? '' : `, split ${split}`}`,
        ...metricsText(metrics),
        '',
        `written: ${join(out, 'predictions.csv')}, ${join(out, 'metrics.json')}`,
        `(${INTENDED_USE})`,
      ].join('\n'),
    );
  } finally {
    display.end();
    await classifier.close();
  }
}

/** The labelled images that can be read, of the split that was asked for. */
async function readExamples(
  run: AskedRun | undefined,
  data: string,
  { split, label, group, image, allowBad }: EvaluateFlags,
  display: Display,
): Promise<readonly Example[]> {
  const columns = { ...columnsFor(run, data), ...definedOnly({ label, group, image }) };
  const dataset = await readDataset(data, { ...columns, minLabels: 1 });
  const asked = split === undefined ? dataset.examples : examplesOf(dataset, split, run);
  const seen = split === undefined ? trainedOn(dataset, run) : 0;
  if (seen > 0) {
    display.warn(
      `${seen} of ${dataset.examples.length} images were trained on: the figures flatter. --split test keeps to those that were not.`,
    );
  }
  const inspection = await inspectImages(asked, { onProgress: display.progress });
  const problems = [...(split === undefined ? dataset.problems : []), ...inspection.problems];
  if (problems.length > 0) {
    checkProblems(asked.length + problems.length - inspection.problems.length, problems, {
      allowBad: allowBad === true,
    });
    display.warn(problemTable(problems));
  }
  return asked.filter(({ id }) => inspection.images.has(id));
}

function defaultFolder(model: string, run: AskedRun | undefined, data: string, split: Split | undefined): string {
  const name = basename(data, extname(data));
  return join(run?.root ?? dirname(model), 'evaluate', split === undefined ? name : `${name}-${split}`);
}
