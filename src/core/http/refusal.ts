/** What it means when a server does not send the file, and whether it may do so later. */
import type { IncomingHttpHeaders } from 'node:http';
import { EnvironmentError, messageOf, systemCode } from '../errors.ts';
import { type Reply, StalledError } from './http.ts';

/** A failure that may pass. */
export interface Again {
  /** Thrown if it does not. */
  readonly again: Error;
  /** Milliseconds that the server asks to wait. */
  readonly afterMs?: number | undefined;
  /** One more try will do: without a network, the user should hear so in seconds. */
  readonly quick?: boolean;
}

/** Milliseconds that a server may ask to wait; where it asks for more, the user decides. */
export const LONGEST_RETRY_AFTER = 120_000;

/** What to do about a refusal, or undefined for nothing in particular. */
export type Advice = (status: number, headers: IncomingHttpHeaders) => string | undefined;

const NAMES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  410: 'Gone',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** @throws {EnvironmentError} a refusal that will stay one */
export function refusal(name: string, advice: Advice, { status, headers, hops, url }: Reply): Again {
  const got = `${status}${NAMES[status] === undefined ? '' : ` ${NAMES[status]}`} from ${url.host}`;
  const afterMs = retryAfter(headers['retry-after']);
  const passes = status === 408 || status === 425 || status === 429 || status >= 500;
  const wait = afterMs === undefined ? 'Try again later.' : `It asks to wait ${Math.ceil(afterMs / 1000)} s.`;
  const said = advice(status, { ...hops.at(-1), ...headers });
  const error = new EnvironmentError(
    `download/${status}`,
    `${name}: expected a file, got ${got}`,
    passes ? [wait, said].filter(Boolean).join(' ') : said,
  );
  if (!passes) throw error;
  return { again: error, afterMs };
}

/** @throws {EnvironmentError} a failure of the connection that will stay one; errors that are none of the network's */
export function connectionError(name: string, url: URL, error: unknown): Again {
  if (error instanceof StalledError)
    return {
      again: new EnvironmentError(
        'download/stalled',
        `${name}: expected bytes from ${url.host}, got ${messageOf(error)}`,
        'Run it again: it goes on where it stopped.',
        { cause: error },
      ),
    };
  const code = systemCode(error);
  if (code === undefined) throw error;
  const unreachable = new EnvironmentError(
    'download/unreachable',
    `${name}: expected a connection to ${url.host}, got ${code}`,
    isCertificate(code)
      ? 'The certificate is not trusted. Where your network has its own, NODE_EXTRA_CA_CERTS=file.pem names it.'
      : 'Run it again with a connection: what was fetched is kept. Behind a proxy, set HTTPS_PROXY. Or fetch the file elsewhere and give its path.',
    { cause: error },
  );
  if (isCertificate(code)) throw unreachable;
  return { again: unreachable, quick: QUICK.has(code) };
}

/** Without a network these come at once, and will come again. */
const QUICK = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH']);

function isCertificate(code: string): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS/.test(code);
}

/** Seconds, or a date. */
function retryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
