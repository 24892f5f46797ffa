/** Files out of a package of the npm registry, without installing it. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { EnvironmentError, ModelError, messageOf, systemCode } from '../../core/errors.ts';
import type { OnProgress } from '../../core/events.ts';
import { cacheFolder, diskError, makeFolder } from '../../core/files.ts';
import { readTar } from './tar.ts';

/** A package, pinned. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-…` in base64, as package registries and lock files write it. */
  readonly integrity: string;
}

/**
 * Files of a pinned package. Its tarball is fetched once by `npm pack`, so the user's registry, proxy and credentials
 * apply, checked against the pinned hash, and kept in the cache folder; a tarball put there by hand serves as well.
 * Processes that do this at the same time do not disturb each other.
 *
 * @param source the package and the paths of the wanted files inside it
 * @returns the files' bytes by path
 * @throws {EnvironmentError} neither cached nor reachable; the hint says what to do offline
 * @throws {ModelError} the registry's file is not the pinned one, or a wanted file is not in it
 */
export async function fetchNpmFiles(
  source: NpmPackage & { readonly files: readonly string[] },
  options: { readonly onProgress?: OnProgress } = {},
): Promise<Map<string, Buffer>> {
  const path = tarballPath(source);
  let tarball = readIfThere(path);
  if (tarball === undefined || !matches(tarball, source.integrity)) {
    const damaged = tarball !== undefined;
    const report = (done: number): void =>
      options.onProgress?.({ stage: `download ${source.name}@${source.version}`, done, total: 1, unit: 'archives' });
    report(0);
    tarball = await download(source, path, damaged);
    report(1);
  }
  const where = `${source.name}@${source.version}`;
  const all = readTar(gunzipSync(tarball), where);
  const wanted = new Map<string, Buffer>();
  for (const file of source.files) {
    const bytes = all.get(`package/${file}`);
    if (bytes === undefined)
      throw new ModelError('npm/file', `${where}: expected a file ${file}, got a package without`);
    wanted.set(file, bytes);
  }
  return wanted;
}

/** Where the tarball of a package is kept, and where it can be put by hand. */
export function tarballPath({ name, version }: Pick<NpmPackage, 'name' | 'version'>): string {
  return join(cacheFolder(), 'npm', `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
}

async function download(source: NpmPackage, path: string, damaged: boolean): Promise<Buffer> {
  const spec = `${source.name}@${source.version}`;
  const folder = temporaryFolder();
  try {
    const failure = await npmPack(spec, folder);
    const file = readdirSync(folder).find((f) => f.endsWith('.tgz'));
    if (failure !== undefined || file === undefined)
      throw new EnvironmentError(
        'npm/unreachable',
        `${spec}: expected its files from the npm registry, got ${failure ?? 'no archive'}${damaged ? ` (${path} is there, but is not the expected file)` : ''}`,
        `Run this once with a connection; or run "npm pack ${spec}" where there is one and put the file at ${path}; or use another backbone, such as an ONNX file.`,
      );
    const tarball = readFileSync(join(folder, file));
    if (!matches(tarball, source.integrity))
      throw new ModelError(
        'npm/integrity',
        `${spec}: expected ${source.integrity.slice(0, 23)}…, got ${integrityOf(tarball).slice(0, 23)}… from the npm registry`,
        'The registry served another file than was published. Check the registry that npm is configured with.',
      );
    renameSync(join(folder, file), path);
    return tarball;
  } catch (error) {
    throw diskError(path, error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function temporaryFolder(): string {
  const parent = join(cacheFolder(), 'npm');
  try {
    makeFolder(parent);
    return mkdtempSync(join(parent, 'tmp-'));
  } catch (error) {
    throw diskError(parent, error);
  }
}

/** Runs `npm pack`. @returns what went wrong, or undefined */
function npmPack(spec: string, folder: string): Promise<string | undefined> {
  // One short retry: a machine without a network should hear so in seconds.
  const args = ['pack', spec, '--json', '--ignore-scripts', '--fetch-retries=1', '--fetch-retry-mintimeout=1000'];
  return new Promise((resolve) => {
    let output = '';
    const child = spawn('npm', args, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // npm is a batch file there, which only a shell starts. The arguments are constants of the registry of backbones.
      shell: process.platform === 'win32',
    });
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) =>
      resolve(systemCode(error) === 'ENOENT' ? 'no "npm" command on the PATH' : messageOf(error)),
    );
    child.on('close', (status, signal) => resolve(status === 0 ? undefined : reasonIn(output, status ?? signal)));
  });
}

/** npm's error code, which its output names once on a line of its own or in JSON. */
function reasonIn(output: string, status: number | string | null): string {
  const code = /\bE[A-Z_]{3,}\b|\bE\d{3}\b/.exec(output)?.[0];
  return `npm's ${code === undefined ? `exit status ${status}` : `error ${code}`}`;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw diskError(path, error);
  }
}

function integrityOf(data: Uint8Array): string {
  return `sha512-${createHash('sha512').update(data).digest('base64')}`;
}

function matches(data: Uint8Array, integrity: string): boolean {
  return integrityOf(data) === integrity;
}
