import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { DataError } from '../../core/errors.ts';
import { filesBelow, isImageName } from '../../dataset/files.ts';
import { INTENDED_USE } from '../../model/card.ts';
import { openClassifier } from '../../model/classifier.ts';
import { type FilePrediction, predictFiles } from '../../model/predict.ts';
import { chooseDevice, type DeviceChoice } from '../../onnx/device.ts';
import { deviceOption } from '../device-option.ts';
import { displayFor } from '../display.ts';
import { integer } from '../numbers.ts';
import { table } from '../table.ts';

interface PredictFlags {
  readonly tta?: boolean;
  readonly threads?: number;
  readonly device?: DeviceChoice;
  readonly json?: boolean;
}

export function addPredictCommand(program: Command): void {
  program
    .command('predict')
    .description('ask a trained model about images')
    .argument('<model>', 'folder of a run, or a model.onnx')
    .argument('<images...>', 'image files, or folders of them')
    .option('--tta', 'average over the eight flips and quarter turns')
    .option('--threads <n>', 'threads of the arithmetic (default: all cores)', integer)
    .addOption(deviceOption())
    .option('--json', 'one JSON object a line')
    .action(predict);
}

/** @throws {DataError} at the end, after the other answers, if some files could not be answered */
async function predict(model: string, images: string[], { json = false, ...flags }: PredictFlags): Promise<void> {
  const failures: DataError[] = [];
  const paths = images.flatMap((path) => expanded(path, failures));
  const device = await chooseDevice(flags.device ?? 'cpu', (text) => process.stderr.write(`warning: ${text}\n`));
  const classifier = await openClassifier(model, { threads: flags.threads, device });
  // Progress goes where it does not mix with the answers, and only where somebody looks.
  const display = displayFor({ mode: json || !process.stderr.isTTY ? 'quiet' : 'normal', stream: process.stderr });
  let answers: readonly FilePrediction[];
  try {
    answers = await predictFiles(classifier, paths, {
      tta: flags.tta,
      onBadFile: (_, error) => failures.push(error),
      onProgress: display.progress,
    });
  } finally {
    await classifier.close();
    display.end();
  }
  if (json) {
    const lines = [
      ...answers.map((answer) => ({ event: 'prediction', ...answer })),
      ...failures.map(({ code, message }) => ({ event: 'problem', code, message })),
    ];
    process.stdout.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    process.stderr.write(`${INTENDED_USE}\n`);
  } else {
    if (answers.length > 0) process.stdout.write(`${answerTable(answers).join('\n')}\n`);
    if (answers.some(isLessProbable)) process.stdout.write(`${LESS_PROBABLE}\n`);
    for (const { message } of failures) process.stderr.write(`skipped: ${message}\n`);
    process.stdout.write(`${INTENDED_USE}\n`);
  }
  if (failures.length > 0) {
    const asked = answers.length + failures.length;
    throw new DataError('predict/files', `predict: expected ${asked} readable images, got ${answers.length}`);
  }
}

/** The images of a folder; a file as it is. */
function expanded(path: string, failures: DataError[]): string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  const images = filesBelow(path).filter(isImageName);
  if (images.length === 0) failures.push(new DataError('predict/empty', `${path}: expected images, got none`));
  return images;
}

const LESS_PROBABLE =
  '(a label is the one most probable relative to how often training met it, not always the most probable)';

function isLessProbable({ probability, probabilities }: FilePrediction): boolean {
  return Object.values(probabilities).some((p) => p > probability);
}

function answerTable(answers: readonly FilePrediction[]): string[] {
  const question = answers[0]?.positive;
  const decided = question?.answer !== undefined;
  const refused = answers.some(({ accepted }) => !accepted);
  return table(
    [
      'image',
      'label',
      'probability',
      ...(question === undefined ? [] : [question.name]),
      ...(decided ? [`answer at ${question.threshold?.toFixed(3)}`] : []),
      ...(refused ? ['refused'] : []),
    ],
    answers.map(({ path, predicted, probability, positive, accepted, reason }) => [
      path,
      predicted,
      probability.toFixed(3),
      ...(positive === undefined ? [] : [positive.probability.toFixed(3)]),
      // What is refused has no answer, whatever the model says.
      ...(decided ? [accepted ? (positive?.answer ?? '') : '–'] : []),
      ...(refused ? [reason ?? ''] : []),
    ]),
  );
}
