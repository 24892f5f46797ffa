import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EnvironmentError, systemCode } from './errors.ts';
import { diskError, makeFolder } from './files.ts';

/** Locks that this process holds: a file that names this process but is not among them was left by an earlier one. */
const held = new Set<string>();

/**
 * Takes a folder for one user alone. The lock of a process that is gone is taken over.
 *
 * @param folder made if missing
 * @param what named in the message, such as `feature cache`
 * @returns a function that gives the folder back
 * @throws {EnvironmentError} another living process has it, or another user within this one
 */
export function lockFolder(folder: string, what: string): () => void {
  const path = resolve(folder, 'lock');
  try {
    makeFolder(folder);
  } catch (error) {
    throw diskError(folder, error);
  }
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      held.add(path);
      let mine = true;
      return () => {
        if (!mine) return;
        mine = false;
        held.delete(path);
        rmSync(path, { force: true });
      };
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw diskError(path, error);
      const owner = readOwner(path);
      if (attempt > 2 || held.has(path) || (owner !== undefined && owner !== process.pid && alive(owner))) {
        throw new EnvironmentError(
          'lock/held',
          `${folder}: the ${what} is in use by process ${owner ?? 'unknown'}`,
          `Wait for it to end. If no nevus is running, delete ${path}.`,
        );
      }
      rmSync(path, { force: true });
    }
  }
}

function readOwner(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isInteger(pid) ? pid : undefined;
  } catch {
    // Given back between the two calls.
    return undefined;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
