import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { EnvironmentError } from '../../../src/core/errors.ts';
import { lockFolder } from '../../../src/core/lock.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export interface Ended {
  /** Exit status; null if a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Ends once the output so far satisfies a condition. Rejects if the process ends before. */
  until(condition: (stdout: string) => boolean): Promise<void>;
}

/** A folder of its own for a test file, with the built command line run in it and a cache of its own. */
export interface Workplace {
  readonly folder: string;
  readonly cache: string;
  readonly path: (...parts: string[]) => string;
  nevus(...args: readonly string[]): Promise<Ended>;
  start(args: readonly string[], environment?: Readonly<Record<string, string>>): Started;
  /** Runs an example of the library on what is built. */
  example(name: string, ...args: readonly string[]): Promise<Ended>;
}

/** Makes a workplace before the tests of a file, building the project where it is out of date, and removes it after them. */
export function workplace(): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'nevus-cli-'));
  const cache = join(folder, 'cache');
  beforeAll(build);
  const children: ChildProcess[] = [];
  afterAll(() => {
    // What a failed test left running.
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const run = (file: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Started => {
    const { FORCE_COLOR: _, NEVUS_DEBUG: __, ...inherited } = process.env;
    const child = spawn(process.execPath, [join(ROOT, file), ...args], {
      cwd: folder,
      env: { ...inherited, NEVUS_CACHE: cache, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return watch(child);
  };
  const start = (args: readonly string[], environment?: Readonly<Record<string, string>>): Started =>
    run('bin/nevus.js', args, environment);
  return {
    folder,
    cache,
    path: (...parts) => join(folder, ...parts),
    start,
    nevus: (...args) => start(args).ended,
    example: (name, ...args) => run('node_modules/tsx/dist/cli.mjs', [join(ROOT, 'examples', name), ...args]).ended,
  };
}

function watch(child: ChildProcess): Started {
  let stdout = '';
  let stderr = '';
  let wake = (): void => undefined;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    wake();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    child,
    ended,
    until: (condition) =>
      new Promise((resolve, reject) => {
        wake = () => {
          if (condition(stdout)) resolve();
        };
        wake();
        ended.then(() => reject(new Error(`ended too early:\n${stdout}\n${stderr}`)), reject);
      }),
  };
}

/** Compiles the sources unless what is built is newer. Several test files may ask at the same time. */
async function build(): Promise<void> {
  if (isFresh()) return;
  const unlock = await lock();
  try {
    if (isFresh()) return;
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'],
      { cwd: ROOT, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`the sources do not compile:\n${stdout}`);
  } finally {
    unlock();
  }
}

function isFresh(): boolean {
  const built = statSync(join(ROOT, 'dist/index.js'), { throwIfNoEntry: false });
  if (built === undefined) return false;
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  return sources.every((name) => statSync(join(ROOT, 'src', name)).mtimeMs < built.mtimeMs);
}

async function lock(): Promise<() => void> {
  for (;;) {
    try {
      return lockFolder(join(ROOT, 'dist'), 'build');
    } catch (error) {
      if (!(error instanceof EnvironmentError)) throw error;
      await setTimeout(100);
    }
  }
}
