import { InvalidArgumentError } from 'commander';

/** Reads an integer of the command line. Whether it is in range is for the setting to say. */
export function integer(text: string): number {
  if (!/^[-+]?\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

/** Reads a number of the command line. */
export function decimal(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}
