import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** All temporary files of a test run lie in one folder, which is removed at its end, whatever the tests leave behind. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'nevus-test-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = folder;
  return () => {
    rmSync(folder, { recursive: true, force: true });
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  };
}
