/** Asking the ISIC Archive (API v2) which images there are. */
import { z } from 'zod';
import { EnvironmentError, messageOf } from '../../core/errors.ts';
import type { OnProgress } from '../../core/events.ts';
import { getText } from '../../core/http/get-text.ts';
import { isLoopback } from '../../core/http/loopback.ts';
import type { Advice } from '../../core/http/refusal.ts';

const ImageRecord = z.object({
  // It becomes a file name.
  isic_id: z.string().regex(/^ISIC_\d+$/),
  copyright_license: z.string(),
  attribution: z.string(),
  files: z.object({ full: z.object({ url: z.url(), size: z.int().positive().nullish() }) }),
  /** `acquisition` and `clinical` facts by name. */
  metadata: z.record(z.string(), z.record(z.string(), z.unknown())),
});
/** What the archive says of an image. */
export type ImageRecord = z.infer<typeof ImageRecord>;

const Page = z.object({
  /** Of the whole search; on the first page only. */
  count: z.int().nullish(),
  /** Absolute URL. */
  next: z.string().nullish(),
  results: z.array(ImageRecord),
});

/** The most that the archive gives on one page. */
const PAGE = 100;

export interface Search {
  /** Such as `diagnosis_3:"Melanoma Invasive" AND image_type:dermoscopic`. Default: everything. */
  readonly query?: string;
  /** Numbers of collections; images of any of them. Default: all. */
  readonly collections?: readonly number[];
}

/** How patient to be with the archive, and who is told. */
export interface Patience {
  readonly attempts?: number;
  readonly backoffMs?: number;
  readonly stallMs?: number;
  readonly signal?: AbortSignal;
}

export interface SearchOptions extends Patience {
  /** At most so many images of those that `take` takes. Default: all. */
  readonly limit?: number;
  readonly take?: (record: ImageRecord) => boolean;
  readonly onProgress?: OnProgress;
}

export interface Found {
  readonly records: readonly ImageRecord[];
  /** Those that `take` refused on the way. */
  readonly refused: readonly ImageRecord[];
  /** How many images the archive says there are; undefined where it does not. */
  readonly count: number | undefined;
}

/**
 * Reads the pages of a search until it ends or the limit is reached. An image that comes twice, because the archive changed
 * while it was being read, is taken once.
 *
 * @param archive such as `https://api.isic-archive.com`
 * @throws {EnvironmentError} no connection or a refusal, after several tries; `isic/answer` for what is no page of images,
 *   a link that leads to another server, or pages without end
 */
export async function searchImages(archive: URL, search: Search, options: SearchOptions = {}): Promise<Found> {
  const { limit = Number.POSITIVE_INFINITY, take = () => true, onProgress, ...patience } = options;
  const records = new Map<string, ImageRecord>();
  const refused = new Map<string, ImageRecord>();
  let count: number | undefined;
  let url: URL | undefined = new URL('api/v2/images/search/', withSlash(archive));
  url.searchParams.set('limit', String(Math.min(PAGE, limit)));
  if (search.query !== undefined) url.searchParams.set('query', search.query);
  if (search.collections !== undefined) url.searchParams.set('collections', search.collections.join(','));
  const seen = new Set<string>();
  for (let number = 1; url !== undefined && records.size < limit; number++) {
    const name = `page ${number} of the search`;
    if (seen.has(url.href)) throw unexpected(name, 'another page', 'one that was there before');
    seen.add(url.href);
    const page: z.infer<typeof Page> = parsed(Page, name, await getText({ url, name, advice: searchAdvice }, patience));
    count ??= page.count ?? undefined;
    for (const record of page.results) {
      if (!take(record)) refused.set(record.isic_id, record);
      else if (records.size < limit) records.set(record.isic_id, record);
    }
    const total = Math.max(records.size, Math.min(limit, count ?? 0));
    onProgress?.({ stage: 'search', done: records.size, total, unit: 'images' });
    url = page.next == null ? undefined : linkOf(page.next, url, name);
  }
  return { records: [...records.values()], refused: [...refused.values()], count };
}

/** What the archive says of one image now: its links work for a while only. */
export async function imageRecord(archive: URL, id: string, patience: Patience): Promise<ImageRecord> {
  const url = new URL(`api/v2/images/${id}/`, withSlash(archive));
  return parsed(ImageRecord, id, await getText({ url, name: id, advice: searchAdvice }, patience));
}

/** The place of an image's file. @throws {EnvironmentError} `isic/answer` it would come over http from another machine */
export function fileUrl({ isic_id: id, files }: ImageRecord): URL {
  const url = new URL(files.full.url);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return url;
  throw unexpected(id, 'a link to https:', `one to ${url.protocol}//${url.host}`);
}

function withSlash(archive: URL): URL {
  return archive.href.endsWith('/') ? archive : new URL(`${archive.href}/`);
}

function linkOf(next: string, from: URL, name: string): URL {
  const url = URL.canParse(next) ? new URL(next) : undefined;
  if (url?.origin === from.origin) return url;
  throw unexpected(name, `a link to ${from.origin}`, `one to ${url?.origin ?? `"${next}"`}`);
}

function parsed<T>(schema: z.ZodType<T>, name: string, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unexpected(name, 'JSON', `something else (${messageOf(error)})`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw unexpected(name, 'what the archive promises', `${issue?.path.join('.') || 'all'}: ${issue?.message}`);
}

function unexpected(name: string, expected: string, got: string): EnvironmentError {
  return new EnvironmentError(
    'isic/answer',
    `${name}: expected ${expected}, got ${got}`,
    'The address is not that of the archive, or its interface has changed.',
  );
}

const searchAdvice: Advice = (status) => {
  if (status === 400 || status === 422)
    return 'The archive does not understand the query. Its pages list the fields: FIELD:VALUE, joined by AND and OR; values with spaces in double quotes.';
  if (status === 401 || status === 403) return 'These images are not open to everyone.';
  if (status === 404) return 'Check the address of the archive and the numbers of the collections.';
  return undefined;
};
