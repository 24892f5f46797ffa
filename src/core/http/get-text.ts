/** A short answer over HTTP, such as a page of JSON: in memory, tried again where that may help. */
import { setTimeout } from 'node:timers/promises';
import { EnvironmentError, NevusError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { delayAfter } from './delay.ts';
import type { DownloadOptions } from './download.ts';
import { httpGet } from './http.ts';
import { type Advice, type Again, connectionError, LONGEST_RETRY_AFTER, refusal } from './refusal.ts';

export interface Asked {
  readonly url: URL;
  /** How messages name it. */
  readonly name: string;
  readonly advice: Advice;
  /** Default 16 MB. */
  readonly mostBytes?: number;
}

/**
 * The text of an answer.
 *
 * @throws {EnvironmentError} no connection, a refusal, silence, an answer that is cut short or too long, after as many tries
 *   as make sense
 */
export async function getText(asked: Asked, options: Omit<DownloadOptions, 'onProgress'> = {}): Promise<string> {
  const { attempts = 5, backoffMs = 1000, signal } = options;
  for (let failures = 1; ; failures++) {
    const outcome = await attempt(asked, options);
    if (typeof outcome === 'string') return outcome;
    const { again, afterMs = 0, quick = false } = outcome;
    if (failures >= (quick ? Math.min(2, attempts) : attempts) || afterMs > LONGEST_RETRY_AFTER) throw again;
    const delay = Math.max(delayAfter(backoffMs, failures, asked.url.href), afterMs);
    await setTimeout(delay, undefined, signal === undefined ? {} : { signal });
  }
}

async function attempt(asked: Asked, options: DownloadOptions): Promise<string | Again> {
  const { url, name, advice, mostBytes = 16e6 } = asked;
  const { signal, stallMs = 30_000 } = options;
  try {
    const headers = { 'user-agent': `nevus/${VERSION}`, accept: 'application/json', 'accept-encoding': 'identity' };
    const reply = await httpGet(url, { headers, stallMs, signal });
    try {
      if (reply.status !== 200) return refusal(name, advice, reply);
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of reply.body) {
        bytes += chunk.length;
        if (bytes > mostBytes)
          throw new EnvironmentError('download/size', `${name}: expected at most ${mostBytes} bytes, got more`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    } finally {
      reply.close();
    }
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof NevusError) throw error;
    return connectionError(name, url, error);
  }
}
