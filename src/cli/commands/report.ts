import type { Command } from 'commander';
import { writeReport } from '../../report/report.ts';
import { displayFor } from '../display.ts';

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .description('write the report of a finished run: report.html and model-card.md in its folder')
    .argument('<run>', 'folder of a run')
    .option('--json', 'one JSON object a line')
    .action(runReport);
}

async function runReport(run: string, { json }: { readonly json?: boolean }): Promise<void> {
  const display = displayFor({ mode: json === true ? 'json' : 'normal', stream: process.stdout });
  const files = await writeReport(run);
  display.result('report', { ...files }, `written: ${files.page}, ${files.card}`);
}
