import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { file, hash, testServer, weights } from '../../backbone/sources/server.ts';
import { workplace } from './nevus.ts';
import { writeTinyBackbone } from './tiny-backbone.ts';

const { nevus, start, path, cache } = workplace();
const CONTENT = weights(400_000);

const lastLine = (text: string): Record<string, unknown> => JSON.parse(text.trim().split('\n').at(-1)!);

/** Waits until a download has so many bytes, and says how many it has. */
async function partBytes(atLeast: number): Promise<number> {
  for (const deadline = Date.now() + 60_000; ; ) {
    const folder = join(cache, 'downloads');
    const parts = existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.part'))
      : [];
    const bytes = Math.max(0, ...parts.map((name) => statSync(join(folder, name)).size));
    if (bytes >= atLeast) return bytes;
    if (Date.now() > deadline) throw new Error(`expected ${atLeast} bytes of a download, got ${bytes}`);
    await setTimeout(20);
  }
}

describe('nevus backbone', () => {
  it('lists what is ready, what is fetched and what needs a file', async () => {
    const { code, stdout } = await nevus('backbone', 'list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^resnet50 .*fetched on first use: 103 MB from download.pytorch.org$/m);
    expect(stdout).toMatch(/^xception .*need a file: nevus backbone import$/m);
    const { backbones } = lastLine((await nevus('backbone', 'list', '--json')).stdout);
    expect(backbones).toContainEqual(expect.objectContaining({ name: 'vgg16', state: 'fetch', imported: false }));
  });

  it('says what to do where weights must be imported', async () => {
    const known = await nevus('backbone', 'info', 'xception');
    expect([known.code, known.stdout]).toEqual([0, expect.stringContaining('nevus backbone import xception FILE')]);
    const missing = await nevus('backbone', 'fetch', 'xception');
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('hint: nevus backbone import xception FILE');
  });

  it('imports a file under a name of the list or a new one, and uses it', async () => {
    writeTinyBackbone(path('tiny.onnx'));
    const imported = await nevus('backbone', 'import', 'auto', 'tiny.onnx', '--name', 'mine', '--licence', 'CC0-1.0');
    expect(imported.stderr).toBe('');
    expect(imported.stdout).toContain('next: nevus train DATA --backbone mine');
    expect((await nevus('backbone', 'info', 'mine')).stdout).toContain('licence: CC0-1.0');
    await nevus('backbone', 'import', 'resnet50', 'tiny.onnx');
    expect(lastLine((await nevus('backbone', 'info', 'resnet50', '--json')).stdout)).toMatchObject({
      name: 'resnet50',
      features: 'block_3',
      licence: 'MIT',
    });
    const { stdout } = await nevus('backbone', 'list');
    expect(stdout).toMatch(/^resnet50 .*ready, imported$/m);
    expect(stdout).toMatch(/^mine .*ready, imported$/m);
  });

  it('refuses what is no name, and no file', async () => {
    writeTinyBackbone(path('tiny.onnx'));
    for (const name of ['../mine', 'hub:x'])
      expect((await nevus('backbone', 'import', name, 'tiny.onnx')).code).toBe(2);
    expect((await nevus('backbone', 'import', 'mine2', 'none.onnx')).code).toBe(2);
  });

  it('fetches from the hub, shows how to pin it, and refuses another file later', async () => {
    const commit = 'd'.repeat(40);
    const server = await testServer(file(CONTENT, { headers: { 'x-repo-commit': commit } }));
    const environment = { HF_ENDPOINT: server.origin, NO_PROXY: '*' };
    const fetch = (address: string) => start(['backbone', 'fetch', address, '--json'], environment).ended;
    const { stdout } = await fetch('hub:owner/net/model.onnx');
    const pin = `hub:owner/net/model.onnx@${commit}#sha256=${hash(CONTENT)}`;
    expect(lastLine(stdout)).toMatchObject({ event: 'result', bytes: 400_000, commit, pinned: false, pin });
    expect(lastLine((await fetch(pin)).stdout)).toMatchObject({ pinned: true });
    server.will(file(weights(1000, 2)));
    const other = await fetch(`hub:owner/net/other.onnx@main#sha256=${hash(CONTENT)}`);
    expect([other.code, other.stderr]).toEqual([4, expect.stringContaining('expected SHA-256')]);
    const gone = start(['backbone', 'fetch', 'hub:owner/net/model.onnx'], {
      ...environment,
      HF_ENDPOINT: 'http://127.0.0.1:9',
    });
    expect((await gone.ended).stdout).toContain('already here');
  });
});

describe.skipIf(process.platform === 'win32')('a download', () => {
  it('that was killed goes on where it stopped', async () => {
    const server = await testServer(file(CONTENT, { stallAfter: 150_000 }));
    const url = `${server.origin}/killed.onnx`;
    const first = start(['backbone', 'fetch', url], { NO_PROXY: '*' });
    const bytes = await partBytes(150_000);
    first.child.kill('SIGKILL');
    expect((await first.ended).signal).toBe('SIGKILL');
    server.will(file(CONTENT));
    const { code, stdout, stderr } = await start(['backbone', 'fetch', url], { NO_PROXY: '*' }).ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`SHA-256 ${hash(CONTENT)}`);
    expect(server.requests.map((r) => r.headers.range)).toEqual([undefined, `bytes=${bytes}-`]);
  });

  it('of two processes at once happens once', async () => {
    const server = await testServer(file(CONTENT));
    const url = `${server.origin}/both.onnx`;
    const all = await Promise.all([1, 2].map(() => start(['backbone', 'fetch', url], { NO_PROXY: '*' }).ended));
    for (const { code, stdout } of all) expect([code, stdout]).toEqual([0, expect.stringContaining(hash(CONTENT))]);
    expect(server.requests).toHaveLength(1);
  });

  it('ends with Ctrl-C, and keeps what it has', async () => {
    const server = await testServer(file(CONTENT, { stallAfter: 200_000 }));
    const { child, ended } = start(['backbone', 'fetch', `${server.origin}/stopped.onnx`], { NO_PROXY: '*' });
    await partBytes(200_000);
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([130, expect.stringContaining('goes on where it stopped')]);
    expect(await partBytes(200_000)).toBe(200_000);
  });
});
