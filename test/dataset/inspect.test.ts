import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import type { Progress } from '../../src/core/events.ts';
import { sha256 } from '../../src/core/hash.ts';
import { inspectImages } from '../../src/dataset/inspect.ts';
import { checkProblems, problemTable } from '../../src/dataset/problems.ts';
import { readDataset } from '../../src/dataset/read.ts';
import { splitDataset } from '../../src/dataset/split.ts';
import type { Problem } from '../../src/dataset/types.ts';
import { encodeJpeg, encodePng } from '../../src/image/encode.ts';
import { SHARED } from '../shared.ts';
import { folderWith } from './folder.ts';

const HAM10000 = join(SHARED, 'data/ham10000');
const ISIC2017 = join(SHARED, 'data/isic2017');

function bad(n: number): Problem[] {
  return Array.from({ length: n }, (_, i) => ({ kind: 'unreadable', where: `${i}.jpg`, detail: 'damaged' }));
}

describe('inspectImages', () => {
  it('hashes and measures good images, and names the bad ones', async () => {
    const picture = { width: 40, height: 30, data: new Uint8Array(40 * 30 * 3).map((_, i) => (i * 37) % 251) };
    const jpeg = await encodeJpeg(picture);
    const root = folderWith({
      'a/good.jpg': jpeg,
      'a/cut.jpg': jpeg.subarray(0, jpeg.length - 200),
      'a/text.jpg': 'not a picture',
      'b/good.png': await encodePng(picture),
      'b/empty.png': '',
    });
    const { examples } = await readDataset(root);
    const gone = { ...examples[0]!, id: 'gone', path: join(root, 'gone.jpg') };
    const seen: Progress[] = [];
    const { images, problems } = await inspectImages([...examples, gone], { onProgress: (at) => seen.push(at) });

    expect([...images.keys()]).toEqual(['a/good.jpg', 'b/good.png']);
    expect(images.get('a/good.jpg')).toEqual({ sha256: sha256(jpeg), width: 40, height: 30 });
    expect(problems.map(({ kind, where }) => [kind, where])).toEqual([
      ['unreadable', join(root, 'a/cut.jpg')],
      ['unreadable', join(root, 'a/text.jpg')],
      ['unreadable', join(root, 'b/empty.png')],
      ['missing-file', join(root, 'gone.jpg')],
    ]);
    expect(problems[1]?.detail).toBe('expected JPEG, PNG, WebP, TIFF, BMP or DICOM, got text');
    expect(seen.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(seen.at(-1)).toEqual({ stage: 'inspect', done: 6, total: 6, unit: 'images' });
  });

  it('reads a file once that several examples share', async () => {
    const root = folderWith({ 'x.png': await encodePng({ width: 1, height: 1, data: new Uint8Array(3) }) });
    const one = { id: '1', path: join(root, 'x.png'), label: 'a', attributes: {} };
    const seen: Progress[] = [];
    const { images } = await inspectImages([one, { ...one, id: '2' }], { onProgress: (at) => seen.push(at) });
    expect([images.size, seen.length]).toEqual([2, 1]);
  });

  it.skipIf(!existsSync(HAM10000))('finds the identical files of HAM10000', async () => {
    const ids = ['ISIC_0024366', 'ISIC_0029861', 'ISIC_0024777', 'ISIC_0029938'];
    const { examples } = await readDataset(HAM10000);
    const { images, problems } = await inspectImages(examples.filter(({ id }) => ids.includes(id)));
    const hash = (i: number): string | undefined => images.get(ids[i]!)?.sha256;
    expect(problems).toEqual([]);
    expect(hash(0)).toBe(hash(1));
    expect(hash(2)).toBe(hash(3));
    expect(hash(0)).not.toBe(hash(2));
  });

  it.skipIf(!existsSync(ISIC2017))('finds the file that ISIC 2017 has in train and in val', async () => {
    const { examples } = await readDataset(ISIC2017);
    const { images, problems } = await inspectImages(examples);
    expect([images.size, problems.length]).toEqual([2150, 0]);
    const splits = splitDataset(examples, { seed: 1, sha256Of: (id) => images.get(id)?.sha256 });
    expect([splits.has('ISIC_0012970'), splits.get('ISIC_0012127'), splits.size]).toEqual([false, 'val', 2149]);
  });
});

describe('checkProblems', () => {
  it('lets 5 % pass and no more', () => {
    checkProblems(100, bad(5));
    expect(() => checkProblems(100, bad(6))).toThrow(DataError);
    expect(() => checkProblems(100, bad(6))).toThrow('got 6 of 100:\nunreadable  0.jpg  damaged');
    checkProblems(100, bad(60), { allowBad: true });
    checkProblems(0, []);
  });
});

describe('problemTable', () => {
  it('shows the first 20 and counts all', () => {
    const problems: Problem[] = [...bad(25), { kind: 'no-label', where: 'labels.csv:3', detail: 'empty' }];
    const lines = problemTable(problems).split('\n');
    expect(lines).toHaveLength(22);
    expect(lines[0]).toBe('unreadable  0.jpg   damaged');
    expect(lines.slice(-2)).toEqual(['… and 6 more', '26 left out: 1 no-label, 25 unreadable']);
    expect(problemTable([])).toBe('');
  });
});
