/** The file at an address, on this disk: from the cache, or fetched into it. */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { EnvironmentError, ModelError, systemCode, UsageError } from '../../core/errors.ts';
import { cacheFolder, diskError, writeFileAtomic } from '../../core/files.ts';
import { sha256 as hashOf, sha256OfFile } from '../../core/hash.ts';
import { type DownloadOptions, download, type Wanted } from '../../core/http/download.ts';
import { commitIn } from '../../core/http/headers.ts';
import { basic } from '../../core/http/http.ts';
import { partPath, readPart, removeNote } from '../../core/http/part.ts';
import type { Advice } from '../../core/http/refusal.ts';
import { lockFolder } from '../../core/lock.ts';
import { type Address, addressText, fileNameOf, type HubAddress, type UrlAddress } from './address.ts';
import { hubAdvice, hubAuthorization, hubUrl } from './hub.ts';

/** A file that is there and is what it should be. */
export interface Fetched {
  readonly path: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** The hash was known beforehand: from the address, or from the first time. */
  readonly known: boolean;
  /** It was fetched now, not found in the cache. */
  readonly fresh: boolean;
  /** Of the hub: the commit that the revision stood for. */
  readonly commit: string | undefined;
}

const Memory = z.object({
  schema: z.literal(1),
  address: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int(),
  commit: z.string().optional(),
});
type Memory = z.infer<typeof Memory>;

type RemoteAddress = HubAddress | UrlAddress;

/**
 * The file at an address. What was fetched once is kept in the cache folder, and no network is reached again. A hash
 * that the address does not pin is remembered from the first time; a file that has another later is refused.
 * Processes that do this at the same time wait for one another.
 *
 * @throws {EnvironmentError} not there, not reachable, not allowed; the hint says what to do
 * @throws {ModelError} the file is not the pinned or remembered one
 * @throws {UsageError} no such file on this disk
 */
export async function fetchFile(address: Address, options: DownloadOptions = {}): Promise<Fetched> {
  if (address.kind === 'file') return localFile(address);
  const folder = downloadFolder(address);
  const path = join(folder, safeName(address));
  const found = cached(address, folder, path);
  if (found !== undefined) return found;
  const unlock = await waitForFolder(folder, path, options);
  try {
    // Another process may just have fetched it.
    return cached(address, folder, path) ?? (await fetchInto(address, folder, path, options));
  } finally {
    unlock();
  }
}

/** Where the file of an address is kept, and where it can be put by hand; undefined for files of this disk. */
export function cachedPath(address: Address): string | undefined {
  return address.kind === 'file' ? undefined : join(downloadFolder(address), safeName(address));
}

/** One folder per file, whichever mirror it comes from and whatever hash is expected. */
function downloadFolder(address: RemoteAddress): string {
  const key = address.kind === 'hub' ? addressText(address) : address.url.href;
  return join(cacheFolder(), 'downloads', hashOf(key).slice(0, 16));
}

function safeName(address: RemoteAddress): string {
  return fileNameOf(address)
    .replace(/[^\w.-]/g, '_')
    .replace(/^\.+/, '_')
    .slice(-100);
}

function localFile({ path, sha256 }: Extract<Address, { kind: 'file' }>): Fetched {
  let actual: string;
  try {
    actual = sha256OfFile(path);
  } catch (error) {
    throw new UsageError('address/read', `${path}: cannot be read: ${systemCode(error) ?? 'no file'}`, undefined, {
      cause: error,
    });
  }
  if (sha256 !== undefined && sha256 !== actual)
    throw new ModelError('download/integrity', `${path}: expected SHA-256 ${sha256}, got ${actual}`);
  return { path, sha256: actual, known: sha256 !== undefined, fresh: false, commit: undefined };
}

/** The file in the cache, or undefined where it is missing, damaged, or not the pinned one. */
function cached(address: RemoteAddress, folder: string, path: string): Fetched | undefined {
  if (!existsSync(path)) return undefined;
  const memory = recall(folder);
  const expected = address.sha256 ?? memory?.sha256;
  const actual = sha256OfFile(path);
  if (expected !== undefined && actual !== expected) return undefined;
  return { path, sha256: actual, known: expected !== undefined, fresh: false, commit: memory?.commit };
}

async function fetchInto(
  address: RemoteAddress,
  folder: string,
  path: string,
  options: DownloadOptions,
): Promise<Fetched> {
  const memory = recall(folder);
  const name = addressText(address);
  const url = address.kind === 'hub' ? hubUrl(address) : withoutCredentials(address.url);
  const authorization = address.kind === 'hub' ? hubAuthorization(url) : credentials(address.url);
  const remembered = address.sha256 === undefined && memory !== undefined;
  const wanted: Wanted = {
    url,
    path,
    name,
    authorization,
    sha256: address.sha256 ?? memory?.sha256,
    sha256From: remembered ? 'the one it had the first time' : 'the one in the address',
    integrityHint: remembered
      ? `What lies there has changed. If you trust the new file, pin it: #sha256= and the hash behind the address.`
      : 'The file was replaced, damaged on the way, or the hash in the address is not its own. It is not kept.',
    advice: address.kind === 'hub' ? hubAdvice(address, authorization !== undefined) : urlAdvice,
  };
  const { sha256, bytes, headers } = await download(wanted, options);
  const commit = address.kind === 'hub' ? commitIn(headers) : undefined;
  // First the memory: a file of which nothing is known would be believed.
  remember(folder, { schema: 1, address: name, sha256, bytes, ...(commit === undefined ? {} : { commit }) });
  try {
    renameSync(partPath(path), path);
  } catch (error) {
    throw diskError(path, error);
  }
  removeNote(path);
  return { path, sha256, known: wanted.sha256 !== undefined, fresh: true, commit };
}

const urlAdvice: Advice = (status) => {
  if (status === 401 || status === 403)
    return 'The address is not open to everyone. Download the file by other means and give its path.';
  if (status === 404 || status === 410) return 'Check the address.';
  return undefined;
};

function withoutCredentials(url: URL): URL {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare;
}

function credentials(url: URL): string | undefined {
  return url.username === '' && url.password === '' ? undefined : basic(url);
}

/** Milliseconds between looks at what another process does, and without any progress of it until that is an error. */
const LOOK = 200;
const PATIENCE = 120_000;

/** Waits for the process that fetches the same file, as long as it gets somewhere. */
async function waitForFolder(folder: string, path: string, { signal }: DownloadOptions): Promise<() => void> {
  let bytes = -1;
  for (let since = Date.now(); ; ) {
    try {
      return lockFolder(folder, 'download');
    } catch (error) {
      if (!(error instanceof EnvironmentError) || error.code !== 'lock/held') throw error;
      const now = readPart(path).bytes;
      if (now !== bytes) since = Date.now();
      bytes = now;
      if (Date.now() - since > PATIENCE) throw error;
      await setTimeout(LOOK, undefined, signal === undefined ? {} : { signal });
    }
  }
}

function memoryPath(folder: string): string {
  return join(folder, 'memory.json');
}

function recall(folder: string): Memory | undefined {
  try {
    return Memory.parse(JSON.parse(readFileSync(memoryPath(folder), 'utf8')));
  } catch (error) {
    const code = systemCode(error);
    if (code !== undefined && code !== 'ENOENT') throw diskError(folder, error);
    return undefined;
  }
}

function remember(folder: string, memory: Memory): void {
  writeFileAtomic(memoryPath(folder), JSON.stringify(memory));
}
