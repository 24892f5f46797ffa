import type { Command } from 'commander';
import { addDataCheckCommand } from './data-check.ts';
import { addDataIsicCommand } from './data-isic.ts';

export function addDataCommand(program: Command): void {
  const data = program.command('data').description('what a data set holds, and where to get one');
  addDataCheckCommand(data);
  addDataIsicCommand(data);
}
