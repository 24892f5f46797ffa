/** A selection of the ISIC Archive as a folder that `readDataset` reads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DataError, EnvironmentError, systemCode, UsageError } from '../../core/errors.ts';
import type { OnProgress } from '../../core/events.ts';
import { diskError, makeFolder, writeFileAtomic } from '../../core/files.ts';
import { isLoopback } from '../../core/http/loopback.ts';
import { lockFolder } from '../../core/lock.ts';
import { fetchImage, fileOf, reasonOf } from './fetch-image.ts';
import { isNonCommercial } from './licences.ts';
import { type ImageRecord, type Patience, type Search, searchImages } from './search.ts';
import { writeTables } from './tables.ts';

export const ISIC_ARCHIVE = 'https://api.isic-archive.com';

export interface IsicOptions extends Search, Patience {
  /** At most so many images. Default: all that the search finds. */
  readonly limit?: number;
  /**
   * What becomes of images that must not be used commercially: `refuse` stops before anything is fetched if there are any;
   * `skip` leaves them out; `allow` takes them. Default `refuse`.
   */
  readonly nonCommercial?: 'refuse' | 'skip' | 'allow';
  /** Images on the way at a time, 1 to 64. Default 8. */
  readonly parallel?: number;
  /** Default `https://api.isic-archive.com`. */
  readonly archive?: string;
  /** Stages `search` and `download`, unit `images`. */
  readonly onProgress?: OnProgress;
}

export interface IsicSummary {
  /** How many images the archive says the search has; undefined where it does not. */
  readonly matching: number | undefined;
  /** Images in the folder, those that were there before among them. */
  readonly images: number;
  readonly fetched: number;
  readonly reused: number;
  /** Bytes fetched now. */
  readonly bytes: number;
  /** Images by licence. */
  readonly licences: Readonly<Record<string, number>>;
  /** Images left out for their licence. */
  readonly skipped: number;
  /** Images that did not come, and why. They are in none of the tables; another call tries them again. */
  readonly failures: readonly { readonly id: string; readonly reason: string }[];
}

const Selection = z.object({ schema: z.literal(1), archive: z.string(), query: z.string(), collections: z.string() });

/**
 * Fetches images of the ISIC Archive and what it knows of them: `images/`, `metadata.csv`, `attribution.csv`, `licences/`.
 * Interrupted or broken off, it goes on where it stopped when called again. Each image is written beside its place, compared
 * with the size that the archive says, decoded to its end, and then renamed.
 *
 * @param out made if missing. It holds one search: another one needs another folder
 * @throws {UsageError} `isic/non-commercial`, `isic/other-search`, `isic/option`
 * @throws {EnvironmentError} the archive cannot be reached or refuses, or image after image fails; no space
 * @throws {DataError} `isic/nothing` if the search finds no image
 */
export async function downloadIsic(out: string, options: IsicOptions = {}): Promise<IsicSummary> {
  const { nonCommercial = 'refuse', parallel = 8, limit, archive = ISIC_ARCHIVE, onProgress, ...rest } = options;
  const { query, collections, ...patience } = rest;
  const search: Search = {
    ...(query === undefined ? {} : { query }),
    ...(collections === undefined ? {} : { collections }),
  };
  const base = archiveUrl(archive);
  inRange('limit', limit ?? 1, Number.MAX_SAFE_INTEGER);
  inRange('parallel', parallel, 64);
  const unlock = lockFolder(out, 'download');
  try {
    const claim = claimFor(out, base, search);
    const found = await searchImages(base, search, {
      ...patience,
      ...(limit === undefined ? {} : { limit }),
      ...(nonCommercial === 'skip' ? { take: (record) => !isNonCommercial(record.copyright_license) } : {}),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    if (found.records.length === 0) throw nothingFound(search, found.refused.length);
    if (nonCommercial === 'refuse') refuseNonCommercial(found.records);
    // Only now: a query with a slip in it does not bind the folder.
    claim();
    const fetched = await fetchAll(base, out, found.records, parallel, patience, onProgress);
    const failed = new Set(fetched.failures.map(({ id }) => id));
    const there = found.records.filter(({ isic_id: id }) => !failed.has(id));
    const licences = writeTables(out, there);
    return { matching: found.count, images: there.length, ...fetched, licences, skipped: found.refused.length };
  } finally {
    unlock();
  }
}

type Fetched = Pick<IsicSummary, 'fetched' | 'reused' | 'bytes' | 'failures'>;

async function fetchAll(
  archive: URL,
  out: string,
  records: readonly ImageRecord[],
  parallel: number,
  patience: Patience,
  onProgress: OnProgress | undefined,
): Promise<Fetched> {
  const folder = join(out, 'images');
  try {
    makeFolder(folder);
  } catch (error) {
    throw diskError(folder, error);
  }
  const failures: { id: string; reason: string }[] = [];
  let fetched = 0;
  let reused = 0;
  let bytes = 0;
  // Failures since the last success: when everything fails, the rest will, too.
  let inARow = 0;
  let stopped = false;
  const queue = records.values();
  const work = async (): Promise<void> => {
    // The workers share one iterator, so each image is taken once.
    for (const record of queue) {
      if (stopped) return;
      patience.signal?.throwIfAborted();
      if (fileOf(folder, record) !== undefined) reused += 1;
      else {
        try {
          bytes += await fetchImage(archive, record, folder, patience);
          fetched += 1;
          inARow = 0;
        } catch (error) {
          inARow += 1;
          const passing = error instanceof DataError || (error instanceof EnvironmentError && !isLasting(error));
          if (!passing || inARow >= Math.max(16, 2 * parallel)) throw error;
          failures.push({ id: record.isic_id, reason: reasonOf(error) });
        }
      }
      const done = fetched + reused + failures.length;
      onProgress?.({ stage: 'download', done, total: records.length, unit: 'images' });
    }
  };
  const workers = Array.from({ length: Math.min(parallel, records.length) }, () =>
    work().catch((error: unknown) => {
      stopped = true;
      throw error;
    }),
  );
  // All of them are waited for: none may still write when this is over.
  const ends = await Promise.allSettled(workers);
  const broken = ends.find((end) => end.status === 'rejected');
  if (broken !== undefined) throw broken.reason;
  failures.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { fetched, reused, bytes, failures };
}

/** Whether a failure is that of this machine, and the next image's, too. */
function isLasting({ code }: EnvironmentError): boolean {
  return code.startsWith('disk/') || code.startsWith('proxy/');
}

function refuseNonCommercial(records: readonly ImageRecord[]): void {
  const forbidding = records.filter((record) => isNonCommercial(record.copyright_license)).length;
  if (forbidding === 0) return;
  throw new UsageError(
    'isic/non-commercial',
    `${records.length} images: expected licences that allow every use, got ${forbidding} images that must not be used commercially`,
    'A model trained on them inherits the question. Take them with --allow-non-commercial, or leave them out with --skip-non-commercial.',
  );
}

/** One folder, one search: metadata.csv would else forget the images of the one before. @returns writes down which */
function claimFor(out: string, archive: URL, { query = '', collections = [] }: Search): () => void {
  const path = join(out, 'search.json');
  const asked = {
    schema: 1,
    archive: archive.href,
    query,
    collections: [...collections].sort((a, b) => a - b).join(','),
  };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw diskError(path, error);
    return () => writeFileAtomic(path, `${JSON.stringify(asked, undefined, 2)}\n`);
  }
  const before = selectionIn(text);
  if (before?.archive === asked.archive && before.query === asked.query && before.collections === asked.collections)
    return () => undefined;
  const held =
    before === undefined
      ? 'another file'
      : `the search "${before.query}" (collections: ${before.collections || 'all'})`;
  throw new UsageError('isic/other-search', `${path}: expected this search, got ${held}`, 'Choose another folder.');
}

function selectionIn(text: string): z.infer<typeof Selection> | undefined {
  try {
    return Selection.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function nothingFound({ query = '', collections }: Search, skipped: number): DataError {
  const where = collections === undefined ? '' : ` in the collections ${collections.join(', ')}`;
  const got = skipped === 0 ? 'none' : `only ${skipped} that must not be used commercially`;
  return new DataError(
    'isic/nothing',
    `the search "${query}"${where}: expected images, got ${got}`,
    'Widen the search.',
  );
}

function archiveUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url))) return url;
  throw new UsageError('isic/option', `archive: expected an https: address, got "${text}"`);
}

function inRange(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new UsageError('isic/option', `${name}: expected a whole number of 1 or more, at most ${most}, got ${value}`);
}
