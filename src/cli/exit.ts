import { CommanderError } from 'commander';
import { EnvironmentError, messageOf, NevusError, systemCode, UsageError } from '../core/errors.ts';
import { diskError } from '../core/files.ts';

export interface ReportOptions {
  /** One JSON object instead of text. */
  readonly json: boolean;
  readonly write: (text: string) => unknown;
}

/**
 * The one place where errors become text and an exit status. An error that nevus did not throw on purpose is an internal
 * error; its stack is shown where `NEVUS_DEBUG` is set.
 *
 * @returns the exit status
 */
export function reportError(thrown: unknown, { json, write }: ReportOptions): number {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
  // Commander has printed the help; the command is still missing.
  if (thrown instanceof CommanderError && thrown.code === 'commander.help') return 2;
  const error = asNevusError(thrown);
  const { code, hint, exitCode } = error ?? { code: 'internal', hint: undefined, exitCode: 1 };
  const message = error?.message ?? `internal error: ${messageOf(thrown)}`;
  if (json) {
    write(`${JSON.stringify({ event: 'error', code, message, ...(hint === undefined ? {} : { hint }), exitCode })}\n`);
  } else {
    write(`error: ${message}\n`);
    if (hint !== undefined) write(`hint: ${hint}\n`);
  }
  if (process.env.NEVUS_DEBUG !== undefined && thrown instanceof Error) write(`${thrown.stack}\n`);
  else if (error === undefined && !json) write('hint: Please report it. NEVUS_DEBUG=1 shows where it happened.\n');
  return exitCode;
}

function asNevusError(thrown: unknown): NevusError | undefined {
  if (thrown instanceof CommanderError) {
    return new UsageError(
      `cli/${thrown.code.replace(/^commander\./, '')}`,
      thrown.message.replace(/^error: /, ''),
      'nevus --help, or nevus COMMAND --help, lists what there is.',
    );
  }
  if (thrown instanceof NevusError) return thrown;
  // A disk that refuses may be noticed anywhere that reads or writes.
  if (systemCode(thrown) === undefined || !(thrown instanceof Error) || !('syscall' in thrown)) return undefined;
  const path = 'path' in thrown && typeof thrown.path === 'string' ? thrown.path : 'disk';
  const disk = diskError(path, thrown);
  return disk instanceof NevusError ? disk : new EnvironmentError('system', thrown.message);
}
