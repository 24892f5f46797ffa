/** One GET: through a proxy where the environment asks for one, along redirects, with a limit on silence. */
import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { EnvironmentError } from '../errors.ts';
import { isLoopback } from './loopback.ts';
import { proxyFor } from './proxy.ts';

const MOST_REDIRECTS = 10;

export interface GetOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the first host and never again once a redirect has left it. */
  readonly authorization?: string | undefined;
  /** Milliseconds without a byte after which the connection is given up. */
  readonly stallMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Headers of the answers that led here by redirection, first to last. */
  readonly hops: readonly http.IncomingHttpHeaders[];
  /** Where the answer came from. */
  readonly url: URL;
  /** To be read to its end or destroyed. Fails with `StalledError`, or with a system error. */
  readonly body: AsyncIterable<Buffer>;
  close(): void;
}

/** Nothing came for as long as was allowed. */
export class StalledError extends Error {}

/**
 * @throws {EnvironmentError} a redirect that is not followed: too many, to plain http, to something else than a URL
 * @throws {StalledError} nothing came
 * @throws system errors of the connection
 */
export async function httpGet(first: URL, options: GetOptions): Promise<Reply> {
  const hops: http.IncomingHttpHeaders[] = [];
  let url = first;
  let authorization = options.authorization;
  for (;;) {
    const headers = { ...options.headers, ...(authorization === undefined ? {} : { authorization }) };
    const watch = watchFor(options.stallMs);
    const response = await send(url, headers, watch, options.signal).catch((error: unknown) => {
      watch.stop();
      throw error;
    });
    const { statusCode: status = 0 } = response;
    const close = (): void => {
      watch.stop();
      response.destroy();
    };
    if (![301, 302, 303, 307, 308].includes(status)) {
      return { status, headers: response.headers, hops, url, body: read(response, watch), close };
    }
    close();
    hops.push(response.headers);
    if (hops.length > MOST_REDIRECTS)
      throw new EnvironmentError(
        'http/redirects',
        `${first.host}: expected a file, got more than ${MOST_REDIRECTS} redirects`,
      );
    const next = redirectTarget(url, response.headers.location);
    if (next.origin !== url.origin) authorization = undefined;
    url = next;
  }
}

function redirectTarget(from: URL, location: string | undefined): URL {
  if (location === undefined || !URL.canParse(location, from.href))
    throw new EnvironmentError('http/redirect', `${from.host}: expected a URL to go on with, got none`);
  const url = new URL(location, from);
  url.hash = '';
  const plain = url.protocol === 'http:' && from.protocol === 'http:' && (isLoopback(url) || !isLoopback(from));
  if (url.protocol !== 'https:' && !plain)
    throw new EnvironmentError(
      'http/redirect',
      `${from.host}: expected a redirect to https:, got one to ${url.protocol}//${url.host}`,
      'It is not followed: anyone on the way could change what comes over http.',
    );
  return url;
}

async function* read(response: http.IncomingMessage, watch: Watch): AsyncGenerator<Buffer> {
  try {
    watch.onStall((error) => response.destroy(error));
    for await (const chunk of response) {
      watch.touch();
      yield chunk;
      watch.touch();
    }
  } finally {
    watch.stop();
    response.destroy();
  }
}

async function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  watch: Watch,
  signal: AbortSignal | undefined,
): Promise<http.IncomingMessage> {
  const proxy = proxyFor(url);
  const common = { method: 'GET', agent: false, headers, ...(signal === undefined ? {} : { signal }) };
  if (proxy !== undefined && url.protocol === 'http:') {
    const path = `${url.origin}${url.pathname}${url.search}`;
    const toProxy = { ...common, path, headers: { host: url.host, ...headers, ...proxyHeaders(proxy) } };
    return responseOf(requestTo(proxy, toProxy), watch);
  }
  if (proxy === undefined) {
    const { origin, pathname, search } = url;
    return responseOf(requestTo(new URL(origin), { ...common, path: `${pathname}${search}` }), watch);
  }
  const socket = await tunnel(proxy, url, watch, signal);
  // No agent at all: only then is the connection taken that is given.
  const { agent: _, ...rest } = common;
  const options = { ...rest, path: `${url.pathname}${url.search}`, headers: { host: url.host, ...headers } };
  return responseOf(http.request({ ...options, createConnection: () => secured(socket, url) }), watch);
}

/** A connection through an HTTP proxy to the host of a URL. */
function tunnel(proxy: URL, url: URL, watch: Watch, signal: AbortSignal | undefined): Promise<Socket> {
  const target = `${url.hostname}:${url.port || '443'}`;
  const request = requestTo(proxy, {
    method: 'CONNECT',
    agent: false,
    path: target,
    headers: { host: target, ...proxyHeaders(proxy) },
    ...(signal === undefined ? {} : { signal }),
  });
  return new Promise((resolve, reject) => {
    watch.onStall((error) => request.destroy(error));
    request.once('error', reject);
    const refused = (response: http.IncomingMessage, socket?: Socket): void => {
      response.destroy();
      socket?.destroy();
      const status = response.statusCode ?? 0;
      reject(
        new EnvironmentError(
          'proxy/refused',
          `${url.host}: expected a connection through the proxy ${proxy.host}, got its answer ${status}`,
          status === 407
            ? 'The proxy wants a name and a password: HTTPS_PROXY=http://name:password@host:port.'
            : `Check HTTPS_PROXY, or set NO_PROXY=${url.hostname} to go without.`,
        ),
      );
    };
    request.once('response', (response) => refused(response));
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket);
      else refused(response, socket);
    });
    request.end();
  });
}

function secured(socket: Socket, url: URL): tls.TLSSocket {
  const host = bareHost(url);
  const { ca } = https.globalAgent.options;
  return tls.connect({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
}

function requestTo(server: URL, options: http.RequestOptions): http.ClientRequest {
  const place = { host: bareHost(server), port: server.port || (server.protocol === 'https:' ? 443 : 80) };
  if (server.protocol === 'http:') return http.request({ ...options, ...place });
  const { ca } = https.globalAgent.options;
  return https.request({ ...options, ...place, ...(ca === undefined ? {} : { ca }) });
}

function responseOf(request: http.ClientRequest, watch: Watch): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    watch.onStall((error) => request.destroy(error));
    request.once('response', (response) => {
      // After this, errors reach whoever reads the body.
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      watch.onStall((error) => response.destroy(error));
      resolve(response);
    });
    request.once('error', reject);
    request.end();
  });
}

function proxyHeaders(proxy: URL): Readonly<Record<string, string>> {
  if (proxy.username === '' && proxy.password === '') return {};
  return { 'proxy-authorization': basic(proxy) };
}

/** Credentials of a URL as a header. */
export function basic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** Ends whatever is in progress when nothing has come for a while. */
interface Watch {
  touch(): void;
  onStall(end: (error: StalledError) => void): void;
  stop(): void;
}

function watchFor(milliseconds: number): Watch {
  let end: ((error: StalledError) => void) | undefined;
  const timer = setTimeout(
    () => end?.(new StalledError(`nothing for ${Math.round(milliseconds / 1000)} s`)),
    milliseconds,
  );
  return {
    touch: () => {
      timer.refresh();
    },
    onStall: (next) => {
      end = next;
    },
    stop: () => clearTimeout(timer),
  };
}
