import { Option } from 'commander';

/** An option that takes one of some words. */
export function choice(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices);
}
