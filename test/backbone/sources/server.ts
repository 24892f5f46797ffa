import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach } from 'vitest';
import { rngOf } from '../../../src/core/rng.ts';

/** What a server does with one request. */
export type Act = (request: IncomingMessage, response: ServerResponse) => void;

/** A server of this machine that answers its requests in turn as it is told, the last answer again and again. */
export interface TestServer {
  readonly origin: string;
  /** Headers of the requests so far. */
  readonly requests: IncomingMessage[];
  /** What it does with the next requests. */
  will(...acts: readonly Act[]): void;
}

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

export async function testServer(...acts: readonly Act[]): Promise<TestServer> {
  const requests: IncomingMessage[] = [];
  let queue = [...acts];
  const origin = await listen(
    createServer((request, response) => {
      requests.push(request);
      const act = queue.length > 1 ? queue.shift() : queue[0];
      act?.(request, response);
    }),
  );
  return {
    origin,
    requests,
    will: (...next) => {
      queue = [...next];
    },
  };
}

/** Starts a server of any kind on a free port; it is closed after the test. @returns its origin */
export async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.on('close', () => {
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${portOf(server)}`;
}

export function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen');
  return address.port;
}

/** Bytes that look like weights: reproducible, and not compressible. */
export function weights(bytes: number, seed = 1): Buffer {
  const rng = rngOf(seed, 'weights');
  return Buffer.from(Uint8Array.from({ length: bytes }, () => Math.floor(rng.next() * 256)));
}

export const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

export interface FileOptions {
  /** Default: from the content. */
  readonly etag?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Breaks the connection after so many bytes of the answer. */
  readonly cutAfter?: number;
  /** Sends so many bytes, then nothing more. */
  readonly stallAfter?: number;
  /** Answers every request with the whole. Default false. */
  readonly ignoreRange?: boolean;
  /** Bytes it says there are, where that is a lie. */
  readonly claim?: number;
}

/** Sends a file as a good server does, with ranges and `If-Range`, but for the faults in the options. */
export function file(content: Buffer, options: FileOptions = {}): Act {
  const etag = 'etag' in options ? options.etag : `"${hash(content).slice(0, 16)}"`;
  return (request, response) => {
    const { range, 'if-range': condition } = request.headers;
    const wanted = options.ignoreRange === true ? undefined : /^bytes=(\d+)-$/.exec(range ?? '')?.[1];
    const from = wanted !== undefined && (condition === undefined || condition === etag) ? Number(wanted) : 0;
    const headers = { ...(etag === undefined ? {} : { etag }), 'accept-ranges': 'bytes', ...options.headers };
    if (from >= content.length && from > 0) {
      response.writeHead(416, { ...headers, 'content-range': `bytes */${content.length}` }).end();
      return;
    }
    const body = content.subarray(from);
    const partial = from > 0;
    response.writeHead(partial ? 206 : 200, {
      ...headers,
      'content-length': options.claim ?? body.length,
      ...(partial ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    const cut = options.cutAfter ?? options.stallAfter;
    if (cut === undefined) response.end(body);
    else
      response.write(body.subarray(0, cut), () => {
        // Only what has left this process counts.
        if (options.cutAfter !== undefined) setTimeout(() => response.destroy(), 20);
      });
  };
}

export function status(code: number, headers: Readonly<Record<string, string>> = {}): Act {
  return (_, response) => {
    response.writeHead(code, headers).end('no');
  };
}

export function redirect(to: string, headers: Readonly<Record<string, string>> = {}): Act {
  return status(302, { location: to, ...headers });
}
