import { join } from 'node:path';
import type { Command } from 'commander';
import { definedOnly } from '../../core/defined-only.ts';
import { UsageError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { checkDataset } from '../../dataset/check/check.ts';
import { checkPage, shownIds } from '../../dataset/check/page.ts';
import { picturesOf } from '../../dataset/check/pictures.ts';
import { readDataset } from '../../dataset/read.ts';
import { readSplits } from '../../dataset/splits-file.ts';
import type { Dataset, Split } from '../../dataset/types.ts';
import { checkText } from '../check-text.ts';
import { displayFor } from '../display.ts';

interface CheckFlags {
  readonly out?: string;
  readonly splits?: string;
  readonly label?: string;
  readonly group?: string;
  readonly image?: string;
  readonly json?: boolean;
}

/** Adds `check` to `nevus data`. */
export function addDataCheckCommand(data: Command): void {
  data
    .command('check')
    .description('find copies, conflicting labels, leaks between splits, unreadable and unusual images')
    .argument('<data>', 'labelled images, as for nevus train')
    .option('--out <folder>', 'write check.json and check.html there')
    .option('--splits <file>', 'check the splits of this splits.csv, such as that of a run')
    .option('--label <column>', 'column of the table with the class names')
    .option('--group <column>', 'column with the lesion')
    .option('--image <column>', 'column with the image files')
    .option('--json', 'one JSON object a line')
    .action(runCheck);
}

async function runCheck(path: string, { out, splits, json, ...columns }: CheckFlags): Promise<void> {
  const display = displayFor({ mode: json === true ? 'json' : 'normal', stream: process.stdout });
  try {
    const dataset = await readDataset(path, { ...definedOnly(columns), minLabels: 1 });
    const { check } = await checkDataset(dataset, {
      onProgress: display.progress,
      ...(splits === undefined ? {} : { splits: splitsOf(splits, dataset) }),
    });
    display.end();
    const written = out === undefined ? [] : [join(out, 'check.json'), join(out, 'check.html')];
    if (out !== undefined) {
      const exampleOf = new Map(dataset.examples.map((example) => [example.id, example]));
      const paths = shownIds(check).map((id): [string, string] => [id, exampleOf.get(id)!.path]);
      const pictures = await picturesOf(new Map(paths));
      writeFileAtomic(join(out, 'check.json'), `${JSON.stringify(check, null, 1)}\n`);
      writeFileAtomic(
        join(out, 'check.html'),
        checkPage(check, pictures, (id) => exampleOf.get(id)?.label ?? ''),
      );
    }
    const where =
      written.length === 0 ? 'With --out FOLDER: the pictures side by side.' : `written: ${written.join(', ')}`;
    display.result('checked', { ...check, data: path, written }, [...checkText(check), '', where].join('\n'));
  } finally {
    display.end();
  }
}

/** The splits of a file, by example id. */
function splitsOf(file: string, dataset: Dataset): Map<string, Split> {
  const splits = new Map(readSplits(file, dataset.root).map(({ id, split }) => [id, split]));
  if (dataset.examples.some(({ id }) => splits.has(id))) return splits;
  throw new UsageError(
    'data/splits',
    `${file}: expected splits of images of ${dataset.root}, got none`,
    'Give the splits.csv of a run on this data.',
  );
}
