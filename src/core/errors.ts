/**
 * The one family of errors that nevus throws on purpose. A message reads *where: expected E, got G*; `hint` says what
 * to do next. Library code throws these and never prints or exits: the command line maps `exitCode`, a server `status`.
 */
export class NevusError extends Error {
  /** Stable, machine-readable name of the problem, such as `data/unreadable`. */
  readonly code: string;
  /** What the reader can do about it, or undefined where the message says it all. */
  readonly hint: string | undefined;
  /** Exit status of the command line. */
  readonly exitCode: number = 1;
  /** HTTP status of the server. */
  readonly status: number = 500;

  constructor(code: string, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.hint = hint;
  }
}

/** A wrong option, argument or configuration value. */
export class UsageError extends NevusError {
  override readonly exitCode: number = 2;
  override readonly status: number = 400;
}

/** Images, labels or tables that cannot be used as they are. */
export class DataError extends NevusError {
  override readonly exitCode: number = 3;
  override readonly status: number = 422;
}

/** A model file, or a graph in it, that cannot be read or does not have what is asked of it. */
export class ModelError extends NevusError {
  override readonly exitCode: number = 4;
  override readonly status: number = 422;
}

/** Tensor shapes that do not fit together. */
export class ShapeError extends ModelError {}

/** An operator that nevus has no rule for. */
export class UnsupportedOperatorError extends ModelError {}

/** A value that is not finite, or arithmetic that left the representable range. */
export class NumericError extends NevusError {
  override readonly exitCode: number = 5;
}

/** The disk, the network or the operating system refused: no space, no permission, no connection. */
export class EnvironmentError extends NevusError {
  override readonly exitCode: number = 6;
  override readonly status: number = 503;
}

/** The user asked to stop (Ctrl-C). What was done so far is kept and can be resumed. */
export class InterruptedError extends NevusError {
  override readonly exitCode: number = 130;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system error (`ENOENT`, `ENOSPC`, …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
