import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NevusError } from '../../../src/core/errors.ts';
import { readCsv } from '../../../src/dataset/csv-text.ts';
import { downloadIsic, type IsicOptions } from '../../../src/dataset/isic-archive/download.ts';
import { readDataset } from '../../../src/dataset/read.ts';
import { folderWith } from '../folder.ts';
import { type Archive, archiveServer, type FakeImage, type Fault, picture } from './archive.ts';

const quick = (archive: Archive, options: IsicOptions = {}): IsicOptions => ({
  archive: archive.origin,
  backoffMs: 2,
  stallMs: 5000,
  ...options,
});
const idOf = (i: number): string => `ISIC_${String(i).padStart(7, '0')}`;
const some = (count: number, more: (i: number) => Partial<FakeImage> = () => ({})): FakeImage[] =>
  Array.from({ length: count }, (_, i) => ({ id: idOf(i), ...more(i) }));
const fileRequests = (archive: Archive): number => archive.requests.filter((path) => path.startsWith('/files/')).length;

async function errorOf(promise: Promise<unknown>): Promise<NevusError> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof NevusError) return error;
  throw new Error(`expected a NevusError, got ${String(error)}`);
}

describe('downloadIsic', () => {
  it('reads all pages, fetches at least eight at a time, and writes a folder that can be trained on', async () => {
    const archive = await archiveServer(
      some(130, (i) => ({
        licence: i % 2 === 0 ? 'CC-0' : 'CC-BY',
        clinical: {
          diagnosis_1: i % 3 === 0 ? 'Malignant' : 'Benign',
          patient_id: `IP_${i >> 1}`,
          concomitant_biopsy: i % 3 === 0,
          ...(i === 7 ? { age_approx: 45 } : {}),
        },
      })),
      10,
    );
    const out = folderWith();
    const summary = await downloadIsic(out, quick(archive, { query: 'image_type:dermoscopic', collections: [65, 70] }));
    expect(summary).toMatchObject({
      matching: 130,
      images: 130,
      fetched: 130,
      reused: 0,
      failures: [],
      licences: { 'CC-0': 65, 'CC-BY': 65 },
    });
    expect(archive.busiest()).toBe(8);
    const searches = archive.requests.filter((path) => path.includes('/search/'));
    expect(searches).toHaveLength(2);
    expect(searches[0]).toContain('limit=100&query=image_type%3Adermoscopic&collections=65%2C70');
    expect(readdirSync(join(out, 'images')).filter((name) => !name.endsWith('.jpg'))).toEqual([]);
    expect(readFileSync(join(out, 'images', `${idOf(3)}.jpg`))).toEqual(await picture(3));

    const table = readCsv(join(out, 'metadata.csv'));
    expect(table.columns).toEqual([
      'isic_id',
      'attribution',
      'copyright_license',
      'age_approx',
      'concomitant_biopsy',
      'diagnosis_1',
      'image_type',
      'patient_id',
      'pixels_x',
      'pixels_y',
    ]);
    expect(table.rows[7]?.cells.slice(0, 6)).toEqual([
      idOf(7),
      `Hospital of ${idOf(7)}`,
      'CC-BY',
      '45',
      'False',
      'Benign',
    ]);
    const attribution = readCsv(join(out, 'attribution.csv'));
    expect(attribution.rows[1]?.cells[3]).toMatch(/^https:.*licenses\/by\/4\.0/);
    expect(readdirSync(join(out, 'licences'))).toEqual(['CC-0.txt', 'CC-BY.txt']);
    expect(readFileSync(join(out, 'licences', 'CC-BY.txt'), 'utf8')).toContain('65 images');

    const data = await readDataset(out);
    expect(data).toMatchObject({ format: 'isic-archive', labels: ['Benign', 'Malignant'], problems: [] });
    expect(data.examples).toHaveLength(130);
    expect(data.examples[5]).toMatchObject({ patientId: 'IP_2', source: `Hospital of ${idOf(5)}` });
  });

  it('goes on where it stopped: only what is missing or of another size is fetched', async () => {
    const archive = await archiveServer(some(20), 5);
    const out = folderWith();
    const controller = new AbortController();
    const stopped = downloadIsic(
      out,
      quick(archive, {
        signal: controller.signal,
        onProgress: ({ stage, done }) => {
          if (stage === 'download' && done === 5) controller.abort();
        },
      }),
    );
    await expect(stopped).rejects.toThrow();
    expect(existsSync(join(out, 'metadata.csv'))).toBe(false);
    const whole = readdirSync(join(out, 'images')).filter((name) => name.endsWith('.jpg'));
    expect(whole.length).toBeGreaterThanOrEqual(5);
    const rest = await downloadIsic(out, quick(archive));
    expect([rest.images, rest.reused]).toEqual([20, whole.length]);

    truncateSync(join(out, 'images', `${idOf(2)}.jpg`), 10);
    rmSync(join(out, 'images', `${idOf(4)}.jpg`));
    const before = fileRequests(archive);
    expect(await downloadIsic(out, quick(archive))).toMatchObject({ fetched: 2, reused: 18 });
    expect(fileRequests(archive) - before).toBe(2);
  });

  it('keeps one search a folder, whatever its limit', async () => {
    const archive = await archiveServer(some(5));
    const out = folderWith();
    // A query with a slip in it does not bind the folder.
    expect((await errorOf(downloadIsic(out, quick(archive, { query: 'nonsense' })))).code).toBe('download/400');
    await downloadIsic(out, quick(archive, { query: 'a', limit: 2 }));
    expect(await downloadIsic(out, quick(archive, { query: 'a', limit: 4 }))).toMatchObject({ images: 4, reused: 2 });
    expect((await errorOf(downloadIsic(out, quick(archive, { query: 'b' })))).code).toBe('isic/other-search');
    writeFileSync(join(out, 'search.json'), 'mine');
    expect((await errorOf(downloadIsic(out, quick(archive, { query: 'a' })))).code).toBe('isic/other-search');
  });

  const faults: readonly (readonly [Fault, ...Fault[]])[] = [
    ['cut'],
    ['cut', 'cut'],
    ['busy'],
    ['busy', 'broken', 'cut'],
    ['broken', 'broken'],
    ['expired'],
    ['short'],
    ['damaged'],
    ['page'],
  ];
  it.each(faults)('gets over %s %s %s', async (...list) => {
    const archive = await archiveServer([{ id: idOf(0), faults: list }, { id: idOf(1) }]);
    const out = folderWith();
    const summary = await downloadIsic(out, quick(archive));
    expect(summary).toMatchObject({ images: 2, failures: [] });
    expect(readFileSync(join(out, 'images', `${idOf(0)}.jpg`))).toEqual(await picture(0));
    expect(readdirSync(join(out, 'images')).sort()).toEqual([`${idOf(0)}.jpg`, `${idOf(1)}.jpg`]);
  });

  it.each([
    ['short', /expected \d+ bytes, as the archive says, got \d+/],
    ['damaged', /expected JPEG/],
    ['gone', /404/],
    ['page', /web page/],
    ['broken', /500/],
  ] as const)('leaves out an image that is always %s, and says so', async (fault, reason) => {
    const archive = await archiveServer([{ id: idOf(0), faults: [fault], always: true }, { id: idOf(1) }]);
    const out = folderWith();
    const summary = await downloadIsic(out, quick(archive, { attempts: 2 }));
    expect(summary.failures.map(({ id }) => id)).toEqual([idOf(0)]);
    expect(summary.failures[0]?.reason).toMatch(reason);
    expect(summary.images).toBe(1);
    expect(readCsv(join(out, 'metadata.csv')).rows).toHaveLength(1);
    expect(readdirSync(join(out, 'images'))).toEqual([`${idOf(1)}.jpg`]);
  });

  it('gives up when image after image fails', async () => {
    const archive = await archiveServer(some(60, () => ({ faults: ['gone'], always: true })));
    const error = await errorOf(downloadIsic(folderWith(), quick(archive, { attempts: 1 })));
    expect([error.code, error.exitCode]).toEqual(['download/404', 6]);
    expect(fileRequests(archive)).toBeLessThan(60);
  });

  it('does not take images silently that must not be used commercially', async () => {
    const images = some(6, (i) => ({ licence: i < 2 ? 'CC-BY-NC' : 'CC-BY' }));
    const archive = await archiveServer(images);
    const out = folderWith();
    const error = await errorOf(downloadIsic(out, quick(archive)));
    expect([error.code, error.exitCode]).toEqual(['isic/non-commercial', 2]);
    expect(error.message).toContain('got 2 images');
    expect(fileRequests(archive)).toBe(0);
    expect(await downloadIsic(out, quick(archive, { nonCommercial: 'skip', limit: 3 }))).toMatchObject({
      licences: { 'CC-BY': 3 },
      skipped: 2,
    });
    expect((await downloadIsic(out, quick(archive, { nonCommercial: 'allow' }))).licences).toEqual({
      'CC-BY': 4,
      'CC-BY-NC': 2,
    });
    expect(readFileSync(join(out, 'licences', 'CC-BY-NC.txt'), 'utf8')).toContain('do not use them commercially');
  });

  it('is patient with the search, too', async () => {
    const archive = await archiveServer(some(3));
    archive.pageFaults.push(429, 500, 503);
    expect((await downloadIsic(folderWith(), quick(archive))).images).toBe(3);
    archive.pageFaults.push(500, 500, 500);
    expect((await errorOf(downloadIsic(folderWith(), quick(archive, { attempts: 3 })))).code).toBe('download/500');
  });

  it.each([
    ['a foreign link', (page: Record<string, unknown>) => ({ ...page, next: 'https://example.org/x' }), /example\.org/],
    ['a link that is none', (page: Record<string, unknown>) => ({ ...page, next: '?cursor=2' }), /"\?cursor=2"/],
    ['no results', () => ({ count: 3 }), /results/],
    [
      'a path as an id',
      (page: Record<string, unknown>) =>
        JSON.parse(JSON.stringify(page).replaceAll(`"isic_id":"${idOf(0)}"`, '"isic_id":"../../x"')),
      /isic_id/,
    ],
  ])('refuses %s', async (_, rewrite, message) => {
    const archive = await archiveServer(some(3));
    archive.rewrite = rewrite;
    const error = await errorOf(downloadIsic(folderWith(), quick(archive)));
    expect(error.code).toBe('isic/answer');
    expect(error.message).toMatch(message);
  });

  it('ends where pages do not, and takes an image once that comes twice', async () => {
    const archive = await archiveServer(some(150));
    const [first] = [`${archive.origin}/api/v2/images/search/?limit=100`];
    archive.rewrite = (page) => ({ ...page, next: first });
    expect((await errorOf(downloadIsic(folderWith(), quick(archive)))).message).toContain('there before');
    archive.rewrite = (page) => ({ ...page, next: page.next === null ? null : `${first}&cursor=NTA=` });
    archive.requests.length = 0;
    const turn = await archiveServer(some(120));
    turn.rewrite = (page) =>
      page.count === null ? page : { ...page, next: `${turn.origin}/api/v2/images/search/?limit=100&cursor=NTA=` };
    expect((await downloadIsic(folderWith(), quick(turn))).images).toBe(120);
  });

  it('names what is wrong with the wish', async () => {
    const archive = await archiveServer(some(2));
    const none = await archiveServer([]);
    const codeOf = async (options: IsicOptions): Promise<string> =>
      (await errorOf(downloadIsic(folderWith(), options))).code;
    expect(await codeOf(quick(none))).toBe('isic/nothing');
    expect(await codeOf(quick(archive, { query: 'nonsense' }))).toBe('download/400');
    expect(await codeOf(quick(archive, { limit: 0 }))).toBe('isic/option');
    expect(await codeOf(quick(archive, { parallel: 65 }))).toBe('isic/option');
    expect(await codeOf(quick(archive, { archive: 'http://example.org' }))).toBe('isic/option');
    expect(await codeOf({ archive: 'http://127.0.0.1:9', backoffMs: 1 })).toBe('download/unreachable');
  });
});
