import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fetchNpmFiles, tarballPath } from '../../src/backbone/sources/npm.ts';
import { readTar } from '../../src/backbone/sources/tar.ts';
import { DataError, EnvironmentError, ModelError } from '../../src/core/errors.ts';
import { writeTar } from './tar-writer.ts';

const long = `package/${'deep/'.repeat(30)}file.txt`;
const tar = writeTar({
  'package/a.txt': 'alpha',
  'package/b/c.txt': 'x'.repeat(1000),
  [long]: 'long',
  'package/e': '',
});
const tarball = gzipSync(tar);
const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
const source = { name: '@demo/pack', version: '1.2.3', integrity, files: ['a.txt', 'b/c.txt'] };

describe('readTar', () => {
  it('reads names of any length and files of any size', () => {
    const files = readTar(tar, 't');
    expect([...files.keys()]).toEqual(['package/a.txt', 'package/b/c.txt', long, 'package/e']);
    expect(files.get(long)?.toString()).toBe('long');
    expect(files.get('package/b/c.txt')?.length).toBe(1000);
  });

  it('notices damage', () => {
    const damaged = Buffer.from(tar);
    damaged[3] = 1;
    expect(() => readTar(damaged, 't')).toThrow(DataError);
    expect(() => readTar(tar.subarray(0, 1600), 't')).toThrow(
      'expected 1000 bytes at byte 1536, got the end of the file',
    );
  });
});

describe.skipIf(process.platform === 'win32')('fetchNpmFiles', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nevus-npm-'));
    vi.stubEnv('NEVUS_CACHE', join(folder, 'cache'));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Puts a stand-in for npm on the PATH. */
  function fakeNpm(script: string): void {
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\necho run >> "${folder}/runs"\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${bin}${delimiter}/usr/bin${delimiter}/bin`);
  }
  const runs = (): number => readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n').length;
  const serve = (data: Buffer): void => {
    writeFileSync(join(folder, 'served.tgz'), data);
    fakeNpm(`cp "${folder}/served.tgz" demo-pack-1.2.3.tgz`);
  };

  it('fetches once and remembers', async () => {
    serve(tarball);
    const files = await fetchNpmFiles(source);
    expect([...files].map(([name, data]) => [name, data.length])).toEqual([
      ['a.txt', 5],
      ['b/c.txt', 1000],
    ]);
    await fetchNpmFiles({ ...source, files: ['a.txt'] });
    expect(runs()).toBe(1);
    expect(readdirSync(dirname(tarballPath(source)))).toEqual(['demo-pack-1.2.3.tgz']);
  });

  it('stands being run by many at once', async () => {
    serve(tarball);
    const all = await Promise.all(Array.from({ length: 5 }, () => fetchNpmFiles(source)));
    for (const files of all) expect(files.get('a.txt')?.toString()).toBe('alpha');
    expect(readdirSync(dirname(tarballPath(source)))).toEqual(['demo-pack-1.2.3.tgz']);
  });

  it('replaces a damaged file in the cache', async () => {
    serve(tarball);
    mkdirSync(dirname(tarballPath(source)), { recursive: true });
    writeFileSync(tarballPath(source), tarball.subarray(0, 50));
    expect((await fetchNpmFiles(source)).size).toBe(2);
  });

  it('refuses a file that is not the pinned one', async () => {
    serve(gzipSync(writeTar({ 'package/a.txt': 'other' })));
    await expect(fetchNpmFiles(source)).rejects.toThrow(ModelError);
    await expect(fetchNpmFiles(source)).rejects.toThrow(`@demo/pack@1.2.3: expected ${integrity.slice(0, 23)}…`);
    expect(readdirSync(dirname(tarballPath(source)))).toEqual([]);
  });

  it('refuses a package without the wanted file', async () => {
    serve(tarball);
    await expect(fetchNpmFiles({ ...source, files: ['none'] })).rejects.toThrow('expected a file none');
  });

  it.each([
    ['echo "npm error code ENOTFOUND" >&2; exit 1', "got npm's error ENOTFOUND"],
    ['exit 7', "got npm's exit status 7"],
    ['exit 0', 'got no archive'],
  ])('says what to do without a connection: %s', async (script, message) => {
    fakeNpm(script);
    const failure = fetchNpmFiles(source);
    await expect(failure).rejects.toThrow(EnvironmentError);
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toMatchObject({ hint: expect.stringContaining('npm pack @demo/pack@1.2.3') });
    await expect(failure).rejects.toMatchObject({ hint: expect.stringContaining(tarballPath(source)) });
    // What the hint says works.
    writeFileSync(tarballPath(source), tarball);
    expect((await fetchNpmFiles(source)).get('a.txt')?.toString()).toBe('alpha');
  });

  it('says so where there is no npm', async () => {
    vi.stubEnv('PATH', folder);
    await expect(fetchNpmFiles(source)).rejects.toThrow('no "npm" command on the PATH');
  });
});
