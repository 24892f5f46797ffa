/** One file over HTTP: resumed where it was broken off, tried again where that may help, checked before it is used. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { EnvironmentError, ModelError, NevusError } from '../errors.ts';
import type { OnProgress } from '../events.ts';
import { diskError, freeBytes, gigabytes, writeAll } from '../files.ts';
import { sha256OfFile } from '../hash.ts';
import { VERSION } from '../version.ts';
import { delayAfter } from './delay.ts';
import { checkKind, linkedHash, sizeInRange, startInRange, totalOf, validatorOf } from './headers.ts';
import { httpGet, type Reply } from './http.ts';
import { noteOfPart, type Part, partPath, readPart, removePart } from './part.ts';
import { type Advice, type Again, connectionError, LONGEST_RETRY_AFTER, refusal } from './refusal.ts';

/** What is to be fetched, and to where. */
export interface Wanted {
  readonly url: URL;
  /** The file's place; the bytes so far lie beside it, in `<path>.part`. Its folder exists. */
  readonly path: string;
  /** What the user knows the file as. */
  readonly name: string;
  /** Hexadecimal SHA-256, where known beforehand. */
  readonly sha256?: string | undefined;
  /** Who knows it, in words: `the hash in the address`. */
  readonly sha256From?: string;
  readonly authorization?: string | undefined;
  /** What to do where the hash is another. */
  readonly integrityHint?: string;
  /** What to do about a refusal (401, 403, 404, …). */
  readonly advice: Advice;
}

export interface DownloadOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Tries without any progress before giving up. Default 5. */
  readonly attempts?: number;
  /** Milliseconds without a byte after which a connection is given up. Default 30,000. */
  readonly stallMs?: number;
  /** Milliseconds before the second try; doubled for each later one, less up to half at random. Default 1000. */
  readonly backoffMs?: number;
}

/** A complete, checked file, still at `partPath(path)`. */
export interface Complete {
  readonly sha256: string;
  readonly bytes: number;
  /** Headers of the answer and of the redirects that led to it, earlier ones first. */
  readonly headers: readonly IncomingHttpHeaders[];
}

/** No file of weights is larger; an endless answer is. */
const MOST_BYTES = 64e9;

/**
 * Fetches a file to `partPath(wanted.path)` and checks it. Only one at a time may do so for a path.
 *
 * @throws {EnvironmentError} no connection, a refusal, or silence, after as many tries as make sense
 * @throws {ModelError} the file is not the expected one
 */
export async function download(wanted: Wanted, options: DownloadOptions = {}): Promise<Complete> {
  const { attempts = 5, backoffMs = 1000, signal } = options;
  const { path } = wanted;
  let most = readPart(path).bytes;
  for (let failures = 0; ; ) {
    const outcome = await attempt(wanted, options);
    if (!('again' in outcome)) return outcome;
    const { bytes } = readPart(path);
    // A connection that breaks again and again is no failure as long as it gets somewhere.
    failures = bytes > most ? 1 : failures + 1;
    most = Math.max(most, bytes);
    const { again, afterMs, quick = false } = outcome;
    if (failures >= (quick ? Math.min(2, attempts) : attempts)) throw again;
    if (afterMs !== undefined && afterMs > LONGEST_RETRY_AFTER) throw again;
    const delay = delayAfter(backoffMs, failures, wanted.url.href);
    await setTimeout(Math.max(delay, afterMs ?? 0), undefined, signal === undefined ? {} : { signal });
  }
}

async function attempt(wanted: Wanted, options: DownloadOptions): Promise<Complete | Again> {
  const { signal, stallMs = 30_000 } = options;
  const { url, path, authorization } = wanted;
  const part = resumable(wanted, readPart(path));
  try {
    const reply = await httpGet(url, { headers: headersFor(part), authorization, stallMs, signal });
    try {
      return await take(wanted, part, reply, options);
    } finally {
      reply.close();
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NevusError) throw error;
    return connectionError(wanted.name, url, error);
  }
}

/** Bytes of an unknown version are of use only where the hash will tell whether the rest belonged to it. */
function resumable({ path, sha256 }: Wanted, part: Part): Part {
  if (part.bytes === 0 || part.validator !== undefined || sha256 !== undefined) return part;
  removePart(path);
  return { bytes: 0 };
}

function headersFor({ bytes, validator }: Part): Record<string, string> {
  const headers = { 'user-agent': `nevus/${VERSION}`, accept: '*/*', 'accept-encoding': 'identity' };
  if (bytes === 0) return headers;
  const range = { ...headers, range: `bytes=${bytes}-` };
  return validator === undefined ? range : { ...range, 'if-range': validator };
}

async function take(wanted: Wanted, part: Part, reply: Reply, options: DownloadOptions): Promise<Complete | Again> {
  const { name, path } = wanted;
  const { status, headers } = reply;
  if (status === 416 && part.bytes > 0) {
    // Nothing is left to send if all of it is here.
    const whole = sizeInRange(headers) ?? part.total;
    return whole === part.bytes ? check(wanted, part.bytes, true, reply) : startAgain(wanted, 'another size');
  }
  if (status !== 200 && status !== 206) return refusal(wanted.name, wanted.advice, reply);
  checkKind(wanted.name, reply);
  const resumed = status === 206 && part.bytes > 0;
  const validator = validatorOf(headers) ?? (resumed ? part.validator : undefined);
  const start = status === 206 ? startInRange(headers) : 0;
  if (start !== (resumed ? part.bytes : 0)) return startAgain(wanted, `bytes from ${start ?? 'nowhere'} on`);
  if (resumed && part.validator !== undefined && validator !== part.validator)
    return startAgain(wanted, 'another version');
  const total = totalOf(wanted.name, reply);
  if (total !== undefined) checkSpace(path, total, start);
  noteOfPart(path, { validator, total });

  const bytes = await write(wanted, start, total, reply, options);
  if (total === undefined || bytes === total) return check(wanted, bytes, resumed, reply);
  if (bytes > total) removePart(path);
  const error = new EnvironmentError(
    'download/incomplete',
    `${name}: expected ${total} bytes from ${reply.url.host}, got ${bytes}`,
    'Run it again: it goes on where it stopped.',
  );
  return { again: error };
}

/** Writes the body behind what is there. @returns bytes of the whole */
async function write(
  { name, path }: Wanted,
  start: number,
  total: number | undefined,
  reply: Reply,
  { onProgress }: DownloadOptions,
): Promise<number> {
  const report = (bytes: number): void => {
    if (total === undefined) return;
    onProgress?.({ stage: name, done: kilobytes(Math.min(bytes, total)), total: kilobytes(total), unit: 'kB' });
  };
  const file = openSync(partPath(path), start === 0 ? 'w' : 'a');
  let bytes = start;
  try {
    report(bytes);
    for await (const chunk of reply.body) {
      writeAll(file, chunk);
      bytes += chunk.length;
      if (bytes > (total ?? MOST_BYTES)) break;
      report(bytes);
    }
    fsyncSync(file);
  } catch (error) {
    throw diskError(path, error);
  } finally {
    closeSync(file);
  }
  return bytes;
}

const kilobytes = (bytes: number): number => Math.ceil(bytes / 1000);

/** Compares the file on the disk with what is known of it. */
function check(wanted: Wanted, bytes: number, resumed: boolean, { headers, hops, url }: Reply): Complete | Again {
  const { name, path, sha256, sha256From = 'the pinned hash' } = wanted;
  const all = [...hops, headers];
  const actual = sha256OfFile(partPath(path));
  const expected = sha256 ?? linkedHash(all);
  if (expected === undefined || actual === expected) return { sha256: actual, bytes, headers: all };
  removePart(path);
  const error = new ModelError(
    'download/integrity',
    `${name}: expected SHA-256 ${expected} (${sha256 === undefined ? 'what the hub says itself' : sha256From}), got ${actual} from ${url.host}`,
    wanted.integrityHint ?? 'The file was replaced or damaged on the way, and is not kept.',
  );
  // Two halves of different files prove nothing about the file.
  if (resumed) return { again: error };
  throw error;
}

function startAgain({ name, path }: Wanted, got: string): Again {
  removePart(path);
  return {
    again: new EnvironmentError(
      'download/changed',
      `${name}: expected the rest of what was fetched before, got ${got}`,
    ),
  };
}

function checkSpace(path: string, total: number, start: number): void {
  const free = freeBytes(dirname(path));
  if (total - start <= free) return;
  throw new EnvironmentError(
    'disk/full',
    `${path}: expected ${gigabytes(total - start)} of free space, got ${gigabytes(free)}`,
    'Free some space, or choose another folder (for the cache: NEVUS_CACHE).',
  );
}
