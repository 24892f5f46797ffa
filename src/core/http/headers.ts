/** What the headers of an answer say of a file. */
import type { IncomingHttpHeaders } from 'node:http';
import { EnvironmentError } from '../errors.ts';
import type { Reply } from './http.ts';

/** What `If-Range` takes: a strong ETag; where there is no ETag, the date of modification. */
export function validatorOf({ etag, 'last-modified': date }: IncomingHttpHeaders): string | undefined {
  if (etag !== undefined) return /^"[^"]*"$/.test(etag) ? etag : undefined;
  return date;
}

/** First byte of a partial answer, or undefined. */
export function startInRange({ 'content-range': range }: IncomingHttpHeaders): number | undefined {
  const start = /^bytes (\d+)-\d+\/(?:\d+|\*)$/.exec(range ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}

/** Size of the whole file in a partial answer or in one that has no bytes left, or undefined. */
export function sizeInRange({ 'content-range': range }: IncomingHttpHeaders): number | undefined {
  const size = /^bytes (?:\d+-\d+|\*)\/(\d+)$/.exec(range ?? '')?.[1];
  return size === undefined ? undefined : Number(size);
}

/**
 * Size of the whole file in bytes, as the answer and the hub say it; undefined where neither does.
 *
 * @throws {EnvironmentError} they say different things
 */
export function totalOf(name: string, { status, headers, hops, url }: Reply): number | undefined {
  const length = headers['content-length'];
  const said = status === 206 ? sizeInRange(headers) : length === undefined ? undefined : Number(length);
  const linked = last([...hops, headers], 'x-linked-size');
  if (linked === undefined || !/^\d+$/.test(linked)) return said;
  if (said !== undefined && said !== Number(linked))
    throw new EnvironmentError('download/size', `${name}: expected ${linked} bytes from ${url.host}, got ${said}`);
  return Number(linked);
}

/** SHA-256 of a large file as the hub says it, or undefined. It tells damage, not deceit. */
export function linkedHash(headers: readonly IncomingHttpHeaders[]): string | undefined {
  return /^"?([0-9a-f]{64})"?$/.exec(last(headers, 'x-linked-etag') ?? '')?.[1];
}

/** The commit that a revision of the hub stands for, or undefined. */
export function commitIn(headers: readonly IncomingHttpHeaders[]): string | undefined {
  return /^[0-9a-f]{40}$/.exec(last(headers, 'x-repo-commit') ?? '')?.[0];
}

/** @throws {EnvironmentError} a page for people, or bytes that were packed for the way */
export function checkKind(name: string, { headers, url }: Reply): void {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = headers;
  if (/^text\/html\b/i.test(type))
    throw new EnvironmentError(
      'download/page',
      `${name}: expected a file from ${url.host}, got a web page`,
      'Check the address: it must lead to the file itself. A network that asks its guests to log in answers so too.',
    );
  if (encoding !== 'identity')
    throw new EnvironmentError(
      'download/encoding',
      `${name}: expected bytes as they are, got ${encoding} from ${url.host}`,
    );
}

function last(headers: readonly IncomingHttpHeaders[], name: string): string | undefined {
  const value = headers.findLast((h) => h[name] !== undefined)?.[name];
  return typeof value === 'string' ? value : undefined;
}
