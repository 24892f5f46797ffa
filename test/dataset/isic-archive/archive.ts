import { createServer, type ServerResponse } from 'node:http';
import { rngOf } from '../../../src/core/rng.ts';
import { encodeJpeg } from '../../../src/image/encode.ts';
import { listen } from '../../backbone/sources/server.ts';

/** What goes wrong with the file of an image, and how often; then it is sent as it should be. */
export type Fault =
  | 'cut' // the connection breaks after half of it
  | 'busy' // 429
  | 'broken' // 500
  | 'expired' // 403 until the record is asked for anew
  | 'short' // complete, but of another size than the record says
  | 'damaged' // of the right size, but no picture
  | 'page' // a web page
  | 'gone'; // 404

export interface FakeImage {
  readonly id: string;
  readonly licence?: string;
  readonly clinical?: Readonly<Record<string, unknown>>;
  readonly faults?: readonly Fault[];
  /** The last fault comes again and again. */
  readonly always?: boolean;
}

export interface Archive {
  readonly origin: string;
  /** Paths of the requests so far. */
  readonly requests: string[];
  /** The most files that were on the way at one time. */
  readonly busiest: () => number;
  /** Statuses that the next pages of the search answer with, instead of the page. */
  readonly pageFaults: number[];
  /** Changes what a page says, before it is sent. */
  rewrite: (page: Record<string, unknown>) => unknown;
}

/** A small picture of its own for every number. */
export async function picture(number: number): Promise<Buffer> {
  const rng = rngOf(number, 'archive');
  const data = Uint8Array.from({ length: 24 * 24 * 3 }, () => Math.floor(rng.next() * 256));
  return Buffer.from(await encodeJpeg({ width: 24, height: 24, data }));
}

/** A server of this machine that answers as the archive's API v2 does, with its cursor links and its limit of 100. */
export async function archiveServer(images: readonly FakeImage[], delayMs = 0): Promise<Archive> {
  const files = new Map<string, Buffer>();
  for (const [i, { id }] of images.entries()) files.set(id, await picture(i));
  const left = new Map(images.map(({ id, faults = [] }) => [id, [...faults]]));
  const renewed = new Set<string>();
  const requests: string[] = [];
  const pageFaults: number[] = [];
  let open = 0;
  let busiest = 0;
  const archive: Archive = { origin: '', requests, pageFaults, busiest: () => busiest, rewrite: (page) => page };

  const record = ({ id, licence = 'CC-0', clinical = { diagnosis_1: 'Benign' } }: FakeImage, origin: string) => ({
    isic_id: id,
    copyright_license: licence,
    attribution: `Hospital of ${id}`,
    files: {
      full: { url: `${origin}/files/${id}?signature=${renewed.has(id) ? 'new' : 'old'}`, size: files.get(id)!.length },
      thumbnail_256: { url: `${origin}/thumbnails/${id}`, size: 1 },
    },
    metadata: { acquisition: { pixels_x: 24, pixels_y: 24, image_type: 'dermoscopic' }, clinical },
    public: true,
  });

  const json = (response: ServerResponse, value: unknown, status = 200): void => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value));
  };

  const search = (url: URL, response: ServerResponse): void => {
    const fault = pageFaults.shift();
    if (fault !== undefined) return void json(response, { detail: 'no' }, fault);
    if (url.searchParams.get('query') === 'nonsense') return void json(response, { message: 'cannot parse' }, 400);
    const limit = Math.min(100, Number(url.searchParams.get('limit') ?? 100));
    const cursor = url.searchParams.get('cursor');
    const from = cursor === null ? 0 : Number(Buffer.from(cursor, 'base64').toString());
    const next = new URL(url);
    next.searchParams.set('cursor', Buffer.from(String(from + limit)).toString('base64'));
    json(
      response,
      archive.rewrite({
        count: cursor === null ? images.length : null,
        next: from + limit < images.length ? next.href : null,
        previous: null,
        results: images.slice(from, from + limit).map((image) => record(image, url.origin)),
      }),
    );
  };

  const send = (image: FakeImage, url: URL, range: string | undefined, response: ServerResponse): void => {
    const content = files.get(image.id)!;
    const faults = left.get(image.id)!;
    const fault = image.always === true && faults.length === 1 ? faults[0] : faults[0];
    if (fault === 'expired') {
      if (url.searchParams.get('signature') === 'old') return void response.writeHead(403).end('<Error/>');
    }
    if (!(image.always === true && faults.length === 1)) faults.shift();
    const etag = `"${image.id}"`;
    switch (fault) {
      case 'busy':
        return void response.writeHead(429, { 'retry-after': '0' }).end();
      case 'broken':
        return void response.writeHead(500).end();
      case 'gone':
        return void response.writeHead(404).end();
      case 'page':
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>');
      case 'short':
        return void response.writeHead(200, { etag: '"short"' }).end(content.subarray(0, content.length - 9));
      case 'damaged':
        return void response.writeHead(200, { etag: '"damaged"' }).end(Buffer.alloc(content.length, 7));
      default:
    }
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const body = content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      etag,
      'content-type': 'image/jpeg',
      'content-length': body.length,
      ...(start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    if (fault === 'cut')
      response.write(body.subarray(0, body.length >> 1), () => setTimeout(() => response.destroy(), 20));
    else response.end(body);
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    requests.push(`${url.pathname}${url.search}`);
    const [, kind, id = ''] = /^\/(api\/v2\/images|files)\/([^/]+)\/?$/.exec(url.pathname) ?? [];
    const image = images.find((candidate) => candidate.id === id);
    if (kind === 'api/v2/images' && id === 'search') search(url, response);
    else if (kind === 'api/v2/images' && image !== undefined) {
      renewed.add(id);
      json(response, record(image, url.origin));
    } else if (kind === 'files' && image !== undefined) {
      open += 1;
      busiest = Math.max(busiest, open);
      response.once('close', () => {
        open -= 1;
      });
      setTimeout(() => send(image, url, request.headers.range, response), delayMs);
    } else response.writeHead(404).end();
  });
  return Object.assign(archive, { origin: await listen(server) });
}
