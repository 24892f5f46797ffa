import { type Command, InvalidArgumentError, Option } from 'commander';
import { definedOnly } from '../../core/defined-only.ts';
import { EnvironmentError, InterruptedError } from '../../core/errors.ts';
import { downloadIsic, ISIC_ARCHIVE } from '../../dataset/isic-archive/download.ts';
import { displayFor } from '../display.ts';
import { grouped } from '../format.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { integer } from '../numbers.ts';

interface IsicFlags {
  readonly query?: string;
  readonly collection?: readonly number[];
  readonly limit?: number;
  readonly parallel: number;
  readonly allowNonCommercial?: boolean;
  readonly skipNonCommercial?: boolean;
  readonly archive: string;
  readonly json?: boolean;
}

/** Adds `isic` to `nevus data`. */
export function addDataIsicCommand(data: Command): void {
  data
    .command('isic')
    .description('fetch images of the ISIC Archive, with what is known of them, whose they are and their licences')
    .argument('<out>', 'folder for the images and their tables; call it again to go on')
    .option('--query <text>', `such as 'diagnosis_1:Malignant AND image_type:dermoscopic'`)
    .option('--collection <numbers>', 'images of these collections only, separated by commas', collections)
    .option('--limit <n>', 'at most so many images', integer)
    .option('--parallel <n>', 'images on the way at a time', integer, 8)
    .addOption(
      new Option('--allow-non-commercial', 'take images that must not be used commercially, too').conflicts(
        'skipNonCommercial',
      ),
    )
    .option('--skip-non-commercial', 'leave them out')
    .addOption(
      new Option('--archive <url>', 'another server with the same interface')
        .env('NEVUS_ISIC_ARCHIVE')
        .default(ISIC_ARCHIVE),
    )
    .option('--json', 'one JSON object a line')
    .action(isic);
}

async function isic(out: string, flags: IsicFlags): Promise<void> {
  const { query, collection, limit, parallel, archive, json } = flags;
  const display = displayFor({ mode: json === true ? 'json' : 'normal', stream: process.stdout });
  const interrupt = listenForInterrupt(() => display.end());
  try {
    const summary = await downloadIsic(out, {
      ...definedOnly({ query, collections: collection, limit }),
      parallel,
      archive,
      nonCommercial: flags.allowNonCommercial ? 'allow' : flags.skipNonCommercial ? 'skip' : 'refuse',
      signal: interrupt.signal,
      onProgress: display.progress,
    });
    display.end();
    const { images, fetched, reused, licences, skipped, failures, matching } = summary;
    if (failures.length > 0) {
      const rows = failures.slice(0, 20).map(({ id, reason }) => [id, reason]);
      display.table(`${failures.length} images did not come`, ['image', 'why'], rows);
    }
    const kinds = Object.entries(licences).map(([name, count]) => `${grouped(count)} ${name}`);
    display.result(
      'isic',
      { out, ...summary },
      [
        `${grouped(images)} images${matching === undefined ? '' : ` of ${grouped(matching)}`} in ${out}: ${grouped(fetched)} fetched, ${grouped(reused)} were there`,
        `licences: ${kinds.join(', ') || 'none'}${skipped > 0 ? `; ${grouped(skipped)} non-commercial left out` : ''}`,
        `next: nevus data check ${out}`,
      ].join('\n'),
    );
    if (failures.length > 0) {
      throw new EnvironmentError(
        'isic/incomplete',
        `${out}: expected ${images + failures.length} images, got ${images}`,
        'Run it again: what is there is kept.',
      );
    }
  } catch (error) {
    display.end();
    if (!interrupt.signal.aborted) throw error;
    throw new InterruptedError('isic/stopped', `${out}: stopped`, 'Run it again: it goes on where it stopped.', {
      cause: error,
    });
  } finally {
    interrupt.release();
  }
}

function collections(text: string): readonly number[] {
  const parts = text.split(',').map((part) => part.trim());
  if (!parts.every((part) => /^\d+$/.test(part))) throw new InvalidArgumentError('Expected numbers, such as 65,70.');
  return parts.map(Number);
}
