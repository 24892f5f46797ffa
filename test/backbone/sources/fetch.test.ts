import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseAddress } from '../../../src/backbone/sources/address.ts';
import { cachedPath, type Fetched, fetchFile } from '../../../src/backbone/sources/fetch.ts';
import { EnvironmentError, ModelError, UsageError } from '../../../src/core/errors.ts';
import type { Progress } from '../../../src/core/events.ts';
import type { DownloadOptions } from '../../../src/core/http/download.ts';
import { lockFolder } from '../../../src/core/lock.ts';
import { file, hash, redirect, status, testServer, weights } from './server.ts';

const CONTENT = weights(200_000);
const OTHER = weights(200_000, 2);
const PIN = `#sha256=${hash(CONTENT)}`;
/** Short delays. Silence is waited for as long as usual: a busy machine is silent too. */
const FAST: DownloadOptions = { backoffMs: 5 };

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'nevus-fetch-'));
  vi.stubEnv('NEVUS_CACHE', cache);
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY', 'HF_TOKEN', 'HF_ENDPOINT']) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

const get = (address: string, options: DownloadOptions = {}): Promise<Fetched> =>
  fetchFile(parseAddress(address), { ...FAST, ...options });
const place = (address: string): string => cachedPath(parseAddress(address))!;
/** What is beside the file. */
const beside = (address: string): string[] => readdirSync(dirname(place(address))).sort();

/** Fails with an error of a kind; all its words are given back. */
async function failure(promise: Promise<unknown>, kind: typeof EnvironmentError | typeof ModelError): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof kind)) throw error;
    return `${error.message} | ${error.hint ?? ''}`;
  }
  throw new Error('expected an error');
}

describe('a good server', () => {
  it('sends a file once; it is kept, with progress, and no network is reached again', async () => {
    const server = await testServer(file(CONTENT));
    const url = `${server.origin}/weights/net.onnx`;
    const seen: Progress[] = [];
    const first = await get(url + PIN, { onProgress: (p) => seen.push(p) });
    expect(first).toEqual({ path: place(url), sha256: hash(CONTENT), known: true, fresh: true, commit: undefined });
    expect(readFileSync(first.path).equals(CONTENT)).toBe(true);
    expect(seen[0]).toEqual({ stage: url, done: 0, total: 200, unit: 'kB' });
    expect(seen.at(-1)).toEqual({ stage: url, done: 200, total: 200, unit: 'kB' });
    expect(server.requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity' });
    expect(server.requests[0]?.headers.range).toBeUndefined();
    expect(await get(url + PIN)).toEqual({ ...first, fresh: false });
    expect(server.requests).toHaveLength(1);
    expect(beside(url)).toEqual(['memory.json', 'net.onnx']);
  });

  it('sends a file of unknown length', async () => {
    const server = await testServer((_, response) => {
      response.write(CONTENT.subarray(0, 1000));
      response.end(CONTENT.subarray(1000));
    });
    expect((await get(`${server.origin}/net.onnx`)).sha256).toBe(hash(CONTENT));
  });

  it('sends to many at once what is fetched once', async () => {
    const server = await testServer(file(CONTENT));
    const all = await Promise.all(Array.from({ length: 4 }, () => get(`${server.origin}/net.onnx`)));
    expect(all.map((f) => f.sha256)).toEqual(Array(4).fill(hash(CONTENT)));
    expect(server.requests).toHaveLength(1);
  });

  it('replaces a file that was damaged in the cache', async () => {
    const server = await testServer(file(CONTENT));
    const url = `${server.origin}/net.onnx`;
    await get(url);
    writeFileSync(place(url), OTHER);
    expect(await get(url)).toMatchObject({ fresh: true, known: true, sha256: hash(CONTENT) });
    expect(readFileSync(place(url)).equals(CONTENT)).toBe(true);
  });

  it('is not asked where the user put the file by hand', async () => {
    const server = await testServer(status(500));
    const url = `${server.origin}/net.onnx`;
    await get(url, { attempts: 1 }).catch(() => undefined);
    writeFileSync(place(url), CONTENT);
    expect((await get(url + PIN)).fresh).toBe(false);
  });
});

describe('a connection that breaks', () => {
  it('goes on where it stopped, several times', async () => {
    const server = await testServer(
      file(CONTENT, { cutAfter: 50_000 }),
      file(CONTENT, { cutAfter: 50_000 }),
      file(CONTENT),
    );
    expect((await get(`${server.origin}/net.onnx`)).sha256).toBe(hash(CONTENT));
    const etag = `"${hash(CONTENT).slice(0, 16)}"`;
    expect(server.requests.map((r) => [r.headers.range, r.headers['if-range']])).toEqual([
      [undefined, undefined],
      ['bytes=50000-', etag],
      ['bytes=100000-', etag],
    ]);
  });

  it('may break more often than there are tries, as long as it gets somewhere', async () => {
    const server = await testServer(file(CONTENT, { cutAfter: 20_000 }));
    expect((await get(`${server.origin}/net.onnx`, { attempts: 2 })).sha256).toBe(hash(CONTENT));
    expect(server.requests).toHaveLength(10);
  });

  it('stalls', async () => {
    const server = await testServer(file(CONTENT, { stallAfter: 50_000 }), file(CONTENT));
    expect((await get(`${server.origin}/net.onnx`, { stallMs: 1000 })).sha256).toBe(hash(CONTENT));
    expect(server.requests[1]?.headers.range).toBe('bytes=50000-');
  });

  it('stalls before the first byte, for ever', async () => {
    const server = await testServer(() => undefined);
    const words = await failure(get(`${server.origin}/net.onnx`, { attempts: 2, stallMs: 800 }), EnvironmentError);
    expect(words).toContain('expected bytes from 127.0.0.1');
    expect(words).toContain('got nothing for');
    expect(server.requests).toHaveLength(2);
  });

  it('starts again where the server ignores ranges', async () => {
    const server = await testServer(file(CONTENT, { cutAfter: 50_000 }), file(CONTENT, { ignoreRange: true }));
    expect((await get(`${server.origin}/net.onnx`)).sha256).toBe(hash(CONTENT));
  });

  it.each([
    ['the server compares', (content: Buffer) => file(content)],
    // A server that honours the range and not the condition.
    [
      'the answer says so',
      (content: Buffer) => file(content, { headers: { etag: '"new"' }, etag: `"${hash(CONTENT).slice(0, 16)}"` }),
    ],
  ])('starts again where the file changed in between: %s', async (_, act) => {
    const server = await testServer(file(CONTENT, { cutAfter: 50_000 }), act(OTHER));
    expect((await get(`${server.origin}/net.onnx`)).sha256).toBe(hash(OTHER));
  });

  it('without a validator, goes on only where a pinned hash tells the result', async () => {
    const plain = await testServer(
      file(CONTENT, { etag: undefined, cutAfter: 50_000 }),
      file(CONTENT, { etag: undefined }),
    );
    await get(`${plain.origin}/net.onnx`);
    expect(plain.requests[1]?.headers.range).toBeUndefined();
    const weak = await testServer(file(CONTENT, { etag: 'W/"1"', cutAfter: 50_000 }), file(CONTENT, { etag: 'W/"1"' }));
    await get(`${weak.origin}/net.onnx`);
    expect(weak.requests[1]?.headers.range).toBeUndefined();

    const pinned = await testServer(
      file(OTHER, { etag: undefined, cutAfter: 50_000 }),
      file(CONTENT, { etag: undefined }),
    );
    // The second half is that of another file: the whole is fetched anew.
    expect((await get(`${pinned.origin}/net.onnx${PIN}`)).sha256).toBe(hash(CONTENT));
    expect(pinned.requests.map((r) => r.headers.range)).toEqual([undefined, 'bytes=50000-', undefined]);
  });

  it('understands that nothing is left to send', async () => {
    const server = await testServer(file(CONTENT));
    const url = `${server.origin}/net.onnx`;
    await get(url);
    const etag = `"${hash(CONTENT).slice(0, 16)}"`;
    writeFileSync(`${place(url)}.part`, CONTENT);
    writeFileSync(`${place(url)}.part.json`, JSON.stringify({ validator: etag, total: CONTENT.length }));
    rmSync(place(url));
    expect((await get(url)).sha256).toBe(hash(CONTENT));
    // And that more is here than there is.
    writeFileSync(`${place(url)}.part`, Buffer.concat([CONTENT, CONTENT]));
    writeFileSync(`${place(url)}.part.json`, JSON.stringify({ validator: etag, total: 400_000 }));
    rmSync(place(url));
    expect((await get(url)).sha256).toBe(hash(CONTENT));
  });

  it('is given up when the user asks', async () => {
    const server = await testServer(file(CONTENT, { stallAfter: 1000 }));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    await expect(get(`${server.origin}/net.onnx`, { stallMs: 10_000, signal: controller.signal })).rejects.toThrow(
      'aborted',
    );
  });

  it('is given up soon where nobody listens', async () => {
    const words = await failure(get('http://127.0.0.1:9/net.onnx'), EnvironmentError);
    expect(words).toContain('expected a connection to 127.0.0.1:9, got ECONNREFUSED');
    expect(words).toContain('give its path');
  });
});

describe('a server that lies', () => {
  it('about the hash', async () => {
    const server = await testServer(file(OTHER));
    const url = `${server.origin}/net.onnx`;
    const words = await failure(get(url + PIN), ModelError);
    expect(words).toContain(`expected SHA-256 ${hash(CONTENT)} (the one in the address), got ${hash(OTHER)}`);
    expect(server.requests).toHaveLength(1);
    expect(beside(url)).toEqual([]);
  });

  it('about the size, too large', async () => {
    const server = await testServer(file(CONTENT, { claim: 300_000, ignoreRange: true }));
    const words = await failure(get(`${server.origin}/net.onnx`, { attempts: 2, stallMs: 1000 }), EnvironmentError);
    expect(words).toMatch(/net\.onnx: expected/);
    expect(existsSync(place(`${server.origin}/net.onnx`))).toBe(false);
  });

  it('about the size, too small', async () => {
    const server = await testServer((request) => {
      // Node refuses to lie so; written by hand.
      request.socket.end(
        Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100000\r\n\r\n'), CONTENT]),
      );
    });
    const words = await failure(get(`${server.origin}/net.onnx${PIN}`, { attempts: 2 }), ModelError);
    expect(words).toContain(`got ${hash(CONTENT.subarray(0, 100_000))}`);
  });

  it('about the range', async () => {
    const server = await testServer(
      file(CONTENT, { cutAfter: 50_000 }),
      status(206, { 'content-range': 'bytes 7-9/200000' }),
      file(CONTENT),
    );
    expect((await get(`${server.origin}/net.onnx`)).sha256).toBe(hash(CONTENT));
    expect(server.requests[2]?.headers.range).toBeUndefined();
  });

  it('with a page for people, and with packed bytes', async () => {
    const server = await testServer(file(CONTENT, { headers: { 'content-type': 'text/html; charset=utf-8' } }));
    expect(await failure(get(`${server.origin}/net.onnx`), EnvironmentError)).toContain('got a web page');
    server.will(file(CONTENT, { headers: { 'content-encoding': 'gzip' } }));
    expect(await failure(get(`${server.origin}/net.onnx`), EnvironmentError)).toContain('got gzip');
    expect(server.requests).toHaveLength(2);
  });

  it('with more than there is room for', async () => {
    const server = await testServer(file(CONTENT, { claim: 9e15 }));
    expect(await failure(get(`${server.origin}/net.onnx`), EnvironmentError)).toContain('of free space');
  });
});

describe('a hash that nobody pinned', () => {
  it('is remembered, and another is refused', async () => {
    const server = await testServer(file(CONTENT));
    const url = `${server.origin}/net.onnx`;
    expect((await get(url)).known).toBe(false);
    expect((await get(url)).known).toBe(true);
    rmSync(place(url));
    server.will(file(OTHER));
    const words = await failure(get(url), ModelError);
    expect(words).toContain(`expected SHA-256 ${hash(CONTENT)} (the one it had the first time), got ${hash(OTHER)}`);
    // What the hint says works.
    expect(words).toContain('#sha256=');
    expect((await get(`${url}#sha256=${hash(OTHER)}`)).sha256).toBe(hash(OTHER));
    expect((await get(url)).sha256).toBe(hash(OTHER));
  });
});

describe('a server that refuses', () => {
  it.each([401, 403, 404, 410, 418])('%i: at once', async (code) => {
    const server = await testServer(status(code));
    const words = await failure(get(`${server.origin}/net.onnx?secret=1`), EnvironmentError);
    expect(words).toContain(`${server.origin}/net.onnx: expected a file, got ${code}`);
    expect(words).not.toContain('secret');
    expect(server.requests).toHaveLength(1);
  });

  it.each([408, 429, 500, 502, 503, 504])('%i: later it does not', async (code) => {
    const server = await testServer(status(code), status(code), file(CONTENT));
    expect((await get(`${server.origin}/net.onnx`)).sha256).toBe(hash(CONTENT));
    expect(server.requests).toHaveLength(3);
  });

  it('for ever: after five tries', async () => {
    const server = await testServer(status(503));
    expect(await failure(get(`${server.origin}/net.onnx`), EnvironmentError)).toContain('got 503 Service Unavailable');
    expect(server.requests).toHaveLength(5);
  });

  it('for a time that it says', async () => {
    const server = await testServer(status(429, { 'retry-after': '1' }), file(CONTENT));
    const began = performance.now();
    await get(`${server.origin}/net.onnx`);
    expect(performance.now() - began).toBeGreaterThan(950);
    server.will(status(429, { 'retry-after': new Date(Date.now() + 2000).toUTCString() }), file(OTHER));
    const again = performance.now();
    await get(`${server.origin}/other.onnx`);
    expect(performance.now() - again).toBeGreaterThan(500);
  });

  it('for longer than anyone waits', async () => {
    const server = await testServer(status(429, { 'retry-after': '3600' }));
    expect(await failure(get(`${server.origin}/net.onnx`), EnvironmentError)).toContain('asks to wait 3600 s');
    expect(server.requests).toHaveLength(1);
  });

  it('after a part was there: the part is kept', async () => {
    const server = await testServer(file(CONTENT, { cutAfter: 50_000 }), status(404));
    const url = `${server.origin}/net.onnx`;
    await failure(get(url), EnvironmentError);
    expect(beside(url)).toEqual(['net.onnx.part', 'net.onnx.part.json']);
    server.will(file(CONTENT));
    await get(url);
    expect(server.requests.at(-1)?.headers.range).toBe('bytes=50000-');
  });
});

describe('a name and a password in a URL', () => {
  it('are sent to its host alone, and shown nowhere', async () => {
    const other = await testServer(file(CONTENT));
    const server = await testServer(redirect(`${other.origin}/blob`));
    const url = `${server.origin.replace('//', '//me:pass@')}/net.onnx`;
    const seen: Progress[] = [];
    await get(url, { onProgress: (p) => seen.push(p) });
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:pass').toString('base64')}`);
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
    expect(seen[0]?.stage).toBe(`${server.origin}/net.onnx`);
    expect(readFileSync(join(dirname(place(url)), 'memory.json'), 'utf8')).not.toContain('pass');
  });
});

describe('redirects', () => {
  it('are followed, on the same host and to another', async () => {
    const other = await testServer(file(CONTENT));
    const server = await testServer(redirect('/elsewhere'), redirect(`${other.origin}/blob?signed=1`));
    expect((await get(`${server.origin}/net.onnx`)).sha256).toBe(hash(CONTENT));
    expect(server.requests.map((r) => r.url)).toEqual(['/net.onnx', '/elsewhere']);
    expect(other.requests[0]?.url).toBe('/blob?signed=1');
  });

  it('are not followed in circles', async () => {
    const server = await testServer(redirect('/net.onnx'));
    expect(await failure(get(`${server.origin}/net.onnx`), EnvironmentError)).toContain('more than 10 redirects');
    expect(server.requests).toHaveLength(11);
  });

  it.each(['http://example.com/net.onnx', 'file:///etc/hostname', 'ftp://127.0.0.1/net.onnx', '//['])(
    'are not followed to %s',
    async (target) => {
      const server = await testServer(redirect(target));
      await failure(get(`${server.origin}/net.onnx`), EnvironmentError);
      expect(server.requests).toHaveLength(1);
    },
  );
});

describe('the hub', () => {
  const address = 'hub:owner/net/onnx/model.onnx@v1.0';
  const commit = 'c'.repeat(40);

  it('names a file by repository, revision and path; its answer by the size and hash it says', async () => {
    const blobs = await testServer(file(CONTENT));
    const said = { 'x-linked-etag': `"${hash(CONTENT)}"`, 'x-linked-size': '200000', 'x-repo-commit': commit };
    const server = await testServer(redirect(`${blobs.origin}/blob`, said));
    vi.stubEnv('HF_ENDPOINT', `${server.origin}/`);
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    expect(await get(address)).toMatchObject({ commit, fresh: true, known: false });
    expect(server.requests[0]?.url).toBe('/owner/net/resolve/v1.0/onnx/model.onnx');
    expect(server.requests[0]?.headers.authorization).toBe('Bearer hf_secret');
    // Another host, though on the same machine: the token stays behind.
    expect(blobs.requests[0]?.headers.authorization).toBeUndefined();
    expect(blobs.requests[0]?.rawHeaders.join(' ')).not.toContain('hf_secret');
    // Another mirror has the same files.
    vi.stubEnv('HF_ENDPOINT', 'http://127.0.0.1:9');
    expect(await get(address)).toMatchObject({ commit, fresh: false });
  });

  it('is not sent the token again once it led elsewhere', async () => {
    const server = await testServer();
    const back = await testServer(redirect(`${server.origin}/again`));
    server.will(redirect(`${back.origin}/there`), file(CONTENT));
    vi.stubEnv('HF_ENDPOINT', server.origin);
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    await get(address);
    expect(server.requests.map((r) => r.headers.authorization)).toEqual(['Bearer hf_secret', undefined]);
  });

  it('tells damage by the hash and the size that it says', async () => {
    const server = await testServer(file(OTHER, { headers: { 'x-linked-etag': `"${hash(CONTENT)}"` } }));
    vi.stubEnv('HF_ENDPOINT', server.origin);
    expect(await failure(get(address), ModelError)).toContain('what the hub says itself');
    server.will(file(CONTENT, { headers: { 'x-linked-size': '5' } }));
    expect(await failure(get(address), EnvironmentError)).toContain('expected 5 bytes');
  });

  it.each([
    [401, undefined, 'set HF_TOKEN'],
    [403, 'GatedRepo', 'accept them on its page'],
    [404, 'EntryNotFound', 'owner/net has no file onnx/model.onnx at v1.0'],
    [404, 'RevisionNotFound', 'owner/net has no revision v1.0'],
    [404, undefined, 'Check the name of the repository (owner/net)'],
  ])('says what to do about %i %s', async (code, reason, hint) => {
    const server = await testServer(status(code, reason === undefined ? {} : { 'x-error-code': reason }));
    vi.stubEnv('HF_ENDPOINT', server.origin);
    const words = await failure(get(address), EnvironmentError);
    expect(words).toContain(`${address}: expected a file, got ${code}`);
    expect(words).toContain(hint);
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    const known = await failure(get(address), EnvironmentError);
    expect(known).not.toContain('hf_secret');
    if (code < 404) expect(known).toContain('The token in HF_TOKEN was sent');
  });

  it('has an endpoint that is a URL', async () => {
    vi.stubEnv('HF_ENDPOINT', 'mirror');
    await expect(get(address)).rejects.toThrow(UsageError);
  });
});

describe('files of this disk', () => {
  it('stay where they are', async () => {
    const path = join(cache, 'own.onnx');
    writeFileSync(path, CONTENT);
    expect(await get(`file:${path}${PIN}`)).toMatchObject({ path, known: true, fresh: false });
    expect((await get(`file://${path}`)).sha256).toBe(hash(CONTENT));
    await expect(get(`file:${path}#sha256=${hash(OTHER)}`)).rejects.toThrow(ModelError);
    await expect(get(`file:${path}.none`)).rejects.toThrow(UsageError);
  });
});

describe('other processes', () => {
  it('are waited for', async () => {
    const server = await testServer(file(CONTENT));
    const url = `${server.origin}/net.onnx`;
    const unlock = lockFolder(dirname(place(url)), 'download');
    setTimeout(() => {
      writeFileSync(place(url), CONTENT);
      unlock();
    }, 300);
    expect((await get(url)).fresh).toBe(false);
    expect(server.requests).toHaveLength(0);
  });
});
