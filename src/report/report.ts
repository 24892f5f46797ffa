import { join } from 'node:path';
import { writeFileAtomic } from '../core/files.ts';
import { readFacts } from './facts.ts';
import { modelCardText } from './model-card.ts';
import { reportPage } from './page.ts';

/** The files of a report. */
export interface ReportFiles {
  /** `report.html`: one file, for a reader who decides whether to trust the model. */
  readonly page: string;
  /** `model-card.md`, as the Hugging Face hub has it. */
  readonly card: string;
}

/**
 * Writes the report of a finished run into its folder. Figures are those of the run's `metrics.json` and `predictions.csv`;
 * pictures of errors and demographics come from the data, where they can still be read.
 *
 * @param root folder of the run
 * @throws {UsageError} no run there
 * @throws {DataError} its training has not ended, or a file is damaged
 * @throws {EnvironmentError} the files cannot be written
 */
export async function writeReport(root: string): Promise<ReportFiles> {
  const facts = await readFacts(root);
  const files = { page: join(root, 'report.html'), card: join(root, 'model-card.md') };
  writeFileAtomic(files.page, await reportPage(facts));
  writeFileAtomic(files.card, modelCardText(facts));
  return files;
}
