import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../src/core/errors.ts';
import { lockFolder } from '../../src/core/lock.ts';

const newFolder = (): string => join(mkdtempSync(join(tmpdir(), 'nevus-lock-')), 'made');

/** A process that lives until it is stopped. */
async function withProcess(use: (pid: number) => void): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' });
  const pid = child.pid!;
  const gone = new Promise((resolve) => child.on('exit', resolve));
  try {
    use(pid);
  } finally {
    child.kill('SIGKILL');
    await gone;
  }
  return pid;
}

describe('a locked folder', () => {
  it('is made, belongs to this process, and is given back', () => {
    const folder = newFolder();
    const unlock = lockFolder(folder, 'cache');
    expect(readFileSync(join(folder, 'lock'), 'utf8')).toBe(String(process.pid));
    unlock();
    expect(existsSync(join(folder, 'lock'))).toBe(false);
    lockFolder(folder, 'cache')();
  });

  it('of a living process is refused, and stays its own; of a dead one it is taken over', async () => {
    const folder = newFolder();
    lockFolder(folder, 'cache')();
    const lock = join(folder, 'lock');
    const dead = await withProcess((pid) => {
      writeFileSync(lock, String(pid));
      expect(() => lockFolder(folder, 'feature cache')).toThrow(EnvironmentError);
      expect(() => lockFolder(folder, 'feature cache')).toThrow(`the feature cache is in use by process ${pid}`);
      expect(readFileSync(lock, 'utf8')).toBe(String(pid));
    });
    expect(readFileSync(lock, 'utf8')).toBe(String(dead));
    const unlock = lockFolder(folder, 'cache');
    expect(readFileSync(lock, 'utf8')).toBe(String(process.pid));
    unlock();
  });

  it('with a lock that names no process is taken over', () => {
    const folder = newFolder();
    lockFolder(folder, 'cache')();
    for (const text of ['', 'x']) {
      writeFileSync(join(folder, 'lock'), text);
      lockFolder(folder, 'cache')();
    }
  });

  it('is not shared by two users within one process', () => {
    const folder = newFolder();
    const unlock = lockFolder(folder, 'cache');
    expect(() => lockFolder(folder, 'cache')).toThrow(EnvironmentError);
    unlock();
    const again = lockFolder(folder, 'cache');
    // Giving back twice does not take it from whoever has it now.
    unlock();
    expect(existsSync(join(folder, 'lock'))).toBe(true);
    again();
  });

  it('left by an earlier process of the same number is taken over', () => {
    const folder = newFolder();
    lockFolder(folder, 'cache')();
    // In a container the number is often the same each time.
    writeFileSync(join(folder, 'lock'), String(process.pid));
    lockFolder(folder, 'cache')();
  });
});
