import { Command } from 'commander';
import { VERSION } from '../core/version.ts';
import { INTENDED_USE } from '../model/card.ts';
import { addBackboneCommand } from './commands/backbone.ts';
import { addDataCommand } from './commands/data.ts';
import { addEvaluateCommand } from './commands/evaluate.ts';
import { addLrFindCommand } from './commands/lr-find.ts';
import { addOnnxCommand } from './commands/onnx.ts';
import { addPhantomCommand } from './commands/phantom.ts';
import { addPredictCommand } from './commands/predict.ts';
import { addReportCommand } from './commands/report.ts';
import { addTrainCommand } from './commands/train.ts';
import { reportError } from './exit.ts';

/**
 * The command line.
 *
 * @param argv what follows `nevus`
 * @returns the exit status: 0; 1 internal error, 2 usage, 3 data, 4 model, 5 arithmetic, 6 disk or network, 130 stopped
 */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader that closes early (`nevus … | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await buildProgram().parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    return reportError(error, { json: argv.includes('--json'), write: (text) => process.stderr.write(text) });
  }
}

function buildProgram(): Command {
  const program = new Command('nevus')
    .description(`Train, evaluate and use image classifiers for skin lesions.\n${capitalised(INTENDED_USE)}.`)
    .version(VERSION)
    .exitOverride()
    // `exit.ts` is the one place that writes errors.
    .configureOutput({ outputError: () => undefined })
    .showHelpAfterError(false)
    .helpCommand(false);
  addPhantomCommand(program);
  addDataCommand(program);
  addTrainCommand(program);
  addLrFindCommand(program);
  addEvaluateCommand(program);
  addPredictCommand(program);
  addReportCommand(program);
  addBackboneCommand(program);
  addOnnxCommand(program);
  return program;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
