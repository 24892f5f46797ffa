import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import * as https from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseAddress } from '../../../src/backbone/sources/address.ts';
import { fetchFile } from '../../../src/backbone/sources/fetch.ts';
import { EnvironmentError } from '../../../src/core/errors.ts';
import { proxyFor } from '../../../src/core/http/proxy.ts';
import { type Act, file, hash, listen, portOf, redirect, testServer, weights } from './server.ts';

const CONTENT = weights(100_000);
/** A certificate for weights.test and other.test, signed by itself; made with openssl for these tests alone. */
const PEM = readFileSync(new URL('weights.test.pem', import.meta.url), 'utf8');

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'nevus-proxy-'));
  vi.stubEnv('NEVUS_CACHE', cache);
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY', 'HF_TOKEN', 'HF_ENDPOINT']) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
  https.globalAgent.options.ca = PEM;
});
afterEach(() => {
  delete https.globalAgent.options.ca;
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

const get = (address: string, stallMs = 30_000) =>
  fetchFile(parseAddress(address), { backoffMs: 5, stallMs, attempts: 2 });

/** An https server that believes to be weights.test. @returns its port */
async function secureServer(act: Act): Promise<number> {
  const server = https.createServer({ key: PEM, cert: PEM }, act);
  await listen(server);
  return portOf(server);
}

interface TestProxy {
  readonly url: string;
  /** What it was asked: `CONNECT host:port` or `GET url`, and the credentials. */
  readonly asked: string[];
}

/** A proxy to whom every host is a port of this machine. */
async function proxy(port: number, answer = 200): Promise<TestProxy> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`GET ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    const { pathname, search } = new URL(request.url ?? '');
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = httpRequest({ port, host: '127.0.0.1', path: pathname + search, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 0, reply.headers);
      reply.pipe(response);
    });
    onward.end();
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    socket.on('error', () => undefined);
    if (answer !== 200) {
      socket.end(`HTTP/1.1 ${answer} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const onward = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
  });
  return { url: await listen(server), asked };
}

describe('https through a proxy', () => {
  it('is encrypted to the host itself', async () => {
    const seen: (string | undefined)[] = [];
    const content = file(CONTENT);
    const port = await secureServer((request, response) => {
      seen.push(request.headers.host);
      expect(request.headers['proxy-authorization']).toBeUndefined();
      content(request, response);
    });
    const through = await proxy(port);
    vi.stubEnv('HTTPS_PROXY', through.url.replace('//', '//me:p%40ss@'));
    expect((await get('https://weights.test/net.onnx')).sha256).toBe(hash(CONTENT));
    expect(through.asked).toEqual([`CONNECT weights.test:443 Basic ${Buffer.from('me:p@ss').toString('base64')}`]);
    expect(seen).toEqual(['weights.test']);
  });

  it('follows redirects, each host through a tunnel of its own, without the token', async () => {
    const tokens: (string | undefined)[] = [];
    const content = file(CONTENT);
    const port = await secureServer((request, response) => {
      tokens.push(request.headers.authorization);
      if (request.headers.host === 'weights.test') redirect('https://other.test:8443/blob')(request, response);
      else content(request, response);
    });
    const through = await proxy(port);
    vi.stubEnv('https_proxy', through.url);
    vi.stubEnv('HF_ENDPOINT', 'https://weights.test');
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    await get('hub:owner/net/model.onnx@main');
    expect(through.asked).toEqual(['CONNECT weights.test:443', 'CONNECT other.test:8443']);
    expect(tokens).toEqual(['Bearer hf_secret', undefined]);
  });

  it('does not go to a host with the certificate of another, nor with one that nobody vouches for', async () => {
    const port = await secureServer(file(CONTENT));
    const through = await proxy(port);
    vi.stubEnv('HTTPS_PROXY', through.url);
    await expect(get('https://third.test/net.onnx')).rejects.toThrow('ERR_TLS_CERT_ALTNAME_INVALID');
    delete https.globalAgent.options.ca;
    const failure = get('https://weights.test/net.onnx');
    await expect(failure).rejects.toThrow(EnvironmentError);
    await expect(failure).rejects.toMatchObject({ hint: expect.stringContaining('NODE_EXTRA_CA_CERTS') });
    // Not tried again.
    expect(through.asked).toHaveLength(2);
  });

  it('goes on where a tunnel broke', async () => {
    const acts = [file(CONTENT, { cutAfter: 30_000 }), file(CONTENT)];
    const ranges: (string | undefined)[] = [];
    const port = await secureServer((request, response) => {
      ranges.push(request.headers.range);
      acts.shift()?.(request, response);
    });
    vi.stubEnv('HTTPS_PROXY', (await proxy(port)).url);
    expect((await get('https://weights.test/net.onnx')).sha256).toBe(hash(CONTENT));
    expect(ranges).toEqual([undefined, 'bytes=30000-']);
  });

  it.each([
    [407, 'a name and a password'],
    [403, 'NO_PROXY=weights.test'],
  ])('says what to do where the proxy answers %i', async (answer, hint) => {
    vi.stubEnv('HTTPS_PROXY', (await proxy(9, answer)).url);
    await expect(get('https://weights.test/net.onnx')).rejects.toMatchObject({
      message: expect.stringContaining(`got its answer ${answer}`),
      hint: expect.stringContaining(hint),
    });
  });

  it('fails where the proxy is silent, or gone', async () => {
    const server = createServer();
    server.on('connect', () => undefined);
    vi.stubEnv('HTTPS_PROXY', await listen(server));
    await expect(get('https://weights.test/net.onnx', 800)).rejects.toThrow('got nothing for');
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
    await expect(get('https://weights.test/net.onnx')).rejects.toThrow('ECONNREFUSED');
  });
});

describe('http through a proxy', () => {
  it('is asked for whole addresses, and for none of NO_PROXY', async () => {
    const server = await testServer(file(CONTENT));
    const through = await proxy(Number(new URL(server.origin).port));
    vi.stubEnv('HTTP_PROXY', through.url);
    vi.stubEnv('HF_ENDPOINT', 'http://mirror.test:8080');
    vi.stubEnv('HF_TOKEN', 'hf_secret');
    await get('hub:owner/net/model.onnx@main');
    expect(through.asked).toEqual(['GET http://mirror.test:8080/owner/net/resolve/main/model.onnx']);
    expect(server.requests[0]?.headers.host).toBe('mirror.test:8080');
    // Anyone on the way could read it.
    expect(server.requests[0]?.headers.authorization).toBeUndefined();

    vi.stubEnv('NO_PROXY', '127.0.0.1');
    await get(`${server.origin}/net.onnx`);
    expect(through.asked).toHaveLength(1);
  });
});

describe('proxyFor', () => {
  const of = (url: string, environment: Record<string, string>): string | undefined =>
    proxyFor(new URL(url), environment)?.host;

  it('reads the variable of the scheme, in small letters first, else ALL_PROXY', () => {
    expect(of('https://a.b/', {})).toBeUndefined();
    expect(of('https://a.b/', { HTTPS_PROXY: 'http://p:1' })).toBe('p:1');
    expect(of('https://a.b/', { HTTPS_PROXY: 'http://p:1', https_proxy: 'q:2' })).toBe('q:2');
    expect(of('https://a.b/', { HTTP_PROXY: 'http://p:1' })).toBeUndefined();
    expect(of('http://a.b/', { HTTP_PROXY: 'http://p:1' })).toBe('p:1');
    expect(of('http://a.b/', { ALL_PROXY: 'https://p:1' })).toBe('p:1');
    expect(of('https://a.b/', { HTTPS_PROXY: '' })).toBeUndefined();
    expect(() => of('https://a.b/', { HTTPS_PROXY: 'socks5://p:1' })).toThrow('expected http://host:port, got socks5:');
  });

  it.each([
    ['https://hub.example.com/', '*', true],
    ['https://hub.example.com/', 'example.com', true],
    ['https://hub.example.com/', '.example.com', true],
    ['https://hub.example.com/', '*.example.com', true],
    ['https://example.com/', '.example.com', true],
    ['https://badexample.com/', 'example.com', false],
    ['https://hub.example.com/', 'a, hub.example.com:443 b', true],
    ['https://hub.example.com:8443/', 'hub.example.com:443', false],
    ['https://10.1.2.3/', '10.0.0.0/8', true],
    ['https://11.1.2.3/', '10.0.0.0/8', false],
    ['https://1.10.1.2/', '10.1.2', false],
    ['https://[fd00::1]/', 'fd00::/8', true],
    ['https://[fd00::1]/', 'fd00::1', true],
    ['https://[fd00::1]:1/', '[fd00::1]:1', true],
    ['https://hub.example.com/', '10.0.0.0/99,,x/y', false],
    ['https://hub.example.com/', '', false],
  ])('%s with NO_PROXY=%s', (url, list, exempt) => {
    expect(of(url, { HTTPS_PROXY: 'p:1', NO_PROXY: list }) === undefined).toBe(exempt);
  });

  it('sends nothing unencrypted off this machine that was meant to stay', () => {
    expect(of('http://localhost:1/', { HTTP_PROXY: 'http://p:1' })).toBeUndefined();
    expect(of('http://localhost:1/', { HTTP_PROXY: 'http://127.0.0.1:1' })).toBe('127.0.0.1:1');
  });
});
