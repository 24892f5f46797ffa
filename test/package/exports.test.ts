import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const notBuilt = !existsSync(join(ROOT, 'dist', 'index.js'));
const manifest = z
  .object({
    exports: z.record(z.string(), z.union([z.string(), z.object({ types: z.string(), default: z.string() })])),
    bin: z.record(z.string(), z.string()),
    files: z.array(z.string()),
  })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
const targets = Object.values(manifest.exports).flatMap((e) => (typeof e === 'string' ? [e] : [e.types, e.default]));

describe.skipIf(notBuilt)('the package, built', () => {
  it.each(Object.entries(manifest.exports))('exports %s', async (_, entry) => {
    if (typeof entry === 'string') return expect(existsSync(join(ROOT, entry))).toBe(true);
    expect(existsSync(join(ROOT, entry.types))).toBe(true);
    const module = z.looseObject({}).parse(await import(pathToFileURL(join(ROOT, entry.default)).href));
    expect(Object.keys(module).length).toBeGreaterThan(0);
  });

  it('is packed with all that it exports, and without sources, tests or data', () => {
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    const report = execFileSync(npm, ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const packed = z.tuple([z.object({ files: z.array(z.object({ path: z.string() })) })]).parse(JSON.parse(report));
    const paths = packed[0].files.map(({ path }) => path);
    for (const target of [...targets, ...Object.values(manifest.bin), 'README.md', 'LICENSE'])
      expect(paths).toContain(target.replace(/^\.\//, ''));
    expect(paths.filter((path) => /^(src|test|scripts|bench|shared)\//.test(path))).toEqual([]);
  });
});

it('names only files that exist', () => {
  const missing = manifest.files.filter((name) => name !== 'dist' && !existsSync(join(ROOT, name)));
  expect(missing).toEqual([]);
});
