import type { Command } from 'commander';
import { makePhantoms } from '../../dataset/phantoms/make.ts';
import { displayFor } from '../display.ts';
import { integer } from '../numbers.ts';

interface PhantomFlags {
  readonly count: number;
  readonly seed: number;
  readonly size: number;
  readonly json?: boolean;
}

export function addPhantomCommand(program: Command): void {
  program
    .command('phantom')
    .description('draw a data set of lesions that never existed, to try things out on')
    .argument('<out>', 'folder for the images and their table')
    .option('--count <n>', 'number of images', integer, 400)
    .option('--seed <n>', 'another seed, other lesions', integer, 1)
    .option('--size <pixels>', 'width and height', integer, 256)
    .option('--json', 'one JSON object a line')
    .action(async (out: string, { json, ...settings }: PhantomFlags) => {
      const display = displayFor({ mode: json === true ? 'json' : 'normal', stream: process.stdout });
      const made = await makePhantoms(out, { ...settings, onProgress: display.progress });
      display.end();
      const share = Math.round((100 * made.malignantImages) / made.images);
      display.result(
        'phantoms',
        { ...made },
        [
          `${made.images} images of ${made.lesions} lesions on ${made.patients} patients, ${share} % malignant, in ${out}${made.reused ? ' (they were there already)' : ''}`,
          `next: nevus train ${out} --preset quick`,
        ].join('\n'),
      );
    });
}
