import type { Command } from 'commander';
import { addDataIsicCommand } from './data-isic.ts';

export function addDataCommand(program: Command): void {
  const data = program.command('data').description('what a data set holds, and where to get one');
  addDataIsicCommand(data);
}
