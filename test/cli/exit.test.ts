import { openSync } from 'node:fs';
import { CommanderError } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { reportError } from '../../src/cli/exit.ts';
import * as errors from '../../src/core/errors.ts';

function report(error: unknown, json = false): { status: number; text: string } {
  let text = '';
  const status = reportError(error, {
    json,
    write: (part) => {
      text += part;
    },
  });
  return { status, text };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('reportError', () => {
  it.each([
    [errors.UsageError, 2],
    [errors.DataError, 3],
    [errors.ModelError, 4],
    [errors.ShapeError, 4],
    [errors.UnsupportedOperatorError, 4],
    [errors.NumericError, 5],
    [errors.EnvironmentError, 6],
    [errors.InterruptedError, 130],
  ])('%o has the status %i', (Kind, status) => {
    vi.stubEnv('NEVUS_DEBUG', undefined);
    expect(report(new Kind('a/b', 'x: expected y, got z', 'Do it.'))).toEqual({
      status,
      text: 'error: x: expected y, got z\nhint: Do it.\n',
    });
  });

  it('is one object in JSON', () => {
    const { text } = report(new errors.DataError('a/b', 'no'), true);
    expect(JSON.parse(text)).toEqual({ event: 'error', code: 'a/b', message: 'no', exitCode: 3 });
    expect(text.endsWith('\n')).toBe(true);
  });

  it('calls what was not thrown on purpose an internal error, with a stack only for those who look for it', () => {
    vi.stubEnv('NEVUS_DEBUG', undefined);
    const error = new TypeError('x is not a function');
    const { status, text } = report(error);
    expect(status).toBe(1);
    expect(text).toMatch(/^error: internal error: x is not a function\nhint: /);
    expect(text).not.toMatch(/^\s+at /m);
    vi.stubEnv('NEVUS_DEBUG', '1');
    expect(report(error).text).toMatch(/^\s+at /m);
    expect(report('a string')).toMatchObject({ status: 1 });
  });

  it('knows the refusals of the system', () => {
    let refused: unknown;
    try {
      openSync('/no/such/folder/file', 'w');
    } catch (error) {
      refused = error;
    }
    expect(report(refused)).toMatchObject({ status: 6, text: expect.stringContaining('/no/such/folder/file') });
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      syscall: 'write',
    });
    expect(report(full)).toMatchObject({ status: 6, text: expect.stringMatching(/^error: disk: no space left/) });
  });

  it('leaves help and version alone', () => {
    expect(report(new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)'))).toEqual({ status: 0, text: '' });
    expect(report(new CommanderError(1, 'commander.help', '(outputHelp)'))).toEqual({ status: 2, text: '' });
  });
});
