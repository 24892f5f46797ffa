import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rngOf } from '../../../src/core/rng.ts';
import { checkDataset } from '../../../src/dataset/check/check.ts';
import { checkPage, shownIds } from '../../../src/dataset/check/page.ts';
import { picturesOf } from '../../../src/dataset/check/pictures.ts';
import { checkSummary, checkWarnings } from '../../../src/dataset/check/summary.ts';
import { readDataset } from '../../../src/dataset/read.ts';
import { splitDataset } from '../../../src/dataset/split.ts';
import { encodePng } from '../../../src/image/encode.ts';
import type { RgbImage } from '../../../src/image/types.ts';
import { applyView, dihedral } from '../../../src/image/view.ts';
import { SHARED } from '../../shared.ts';
import { folderWith } from '../folder.ts';

const SIZE = 96;

/** A picture with coarse structure of its own and fine grain; no two seeds look alike. */
function picture(seed: number): RgbImage {
  const rng = rngOf(seed, 'picture');
  const waves = Array.from({ length: 8 }, () => [
    rng.uniform(1, 9),
    rng.uniform(1, 9),
    rng.uniform(0, 7),
    rng.int(0, 2),
  ]);
  const data = new Uint8ClampedArray(SIZE * SIZE * 3);
  for (let i = 0; i < SIZE * SIZE; i++) {
    const [x, y] = [(i % SIZE) / SIZE, Math.floor(i / SIZE) / SIZE];
    const value = [170, 130, 110];
    for (const [u, v, phase, c] of waves) value[c!]! += 28 * Math.sin(u! * x * 3 + v! * y * 3 + phase!);
    for (let c = 0; c < 3; c++) data[3 * i + c] = value[c]! + rng.uniform(-6, 6);
  }
  return { width: SIZE, height: SIZE, data: new Uint8Array(data.buffer) };
}

/** The mean of 9 × 9 pixels around each. */
function blurred({ data, ...size }: RgbImage): RgbImage {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let k = 0; k < 81; k++)
      sum += data[(i + 3 * ((k % 9) - 4) + 3 * SIZE * (Math.floor(k / 9) - 4) + data.length) % data.length]!;
    out[i] = Math.round(sum / 81);
  }
  return { ...size, data: out };
}

/** Twenty-four good pictures, and one of each thing that can be wrong. */
async function badData(): Promise<string> {
  const files: Record<string, string | Uint8Array> = {};
  const rows: string[] = [];
  const add = (name: string, bytes: string | Uint8Array, row: string): void => {
    files[`${name}.png`] = bytes;
    rows.push(`${name}.png,${row}`);
  };
  for (let i = 0; i < 24; i++) {
    add(
      `good${i}`,
      await encodePng(picture(i)),
      `${i % 2 ? 'nv' : 'mel'},L${i},P${i},${i < 12 ? 'train' : 'test'},histo,${i}`,
    );
  }
  add('same', await encodePng(picture(0)), 'nv,L100,P100,train,follow_up,');
  add('turned', await encodePng(applyView(picture(1), dihedral(5))), 'nv,L101,P101,test,histo,50');
  add(
    'again',
    await encodePng(applyView(picture(2), { ...dihedral(0), brightness: 0.9 })),
    'mel,L2,P2,train,histo,unknown',
  );
  add('lesion', await encodePng(picture(50)), 'nv,L3,P3,test,,4');
  add(
    'blank',
    await encodePng({ width: SIZE, height: SIZE, data: new Uint8Array(SIZE * SIZE * 3).fill(99) }),
    'nv,L102,P102,train,histo,5',
  );
  const grey = picture(51).data.map((_, i, all) => all[i - (i % 3)]!);
  add('grey', await encodePng({ width: SIZE, height: SIZE, data: grey }), 'nv,L103,P103,train,histo,5');
  add(
    'small',
    await encodePng({ width: 8, height: 8, data: picture(52).data.slice(0, 192) }),
    'nv,L104,P104,train,histo,5',
  );
  add('soft', await encodePng(blurred(picture(53))), 'nv,L106,P106,train,histo,5');
  add('broken', 'no picture', 'nv,L105,P105,train,histo,5');
  files['table.csv'] = ['image,label,lesion_id,patient_id,split,dx_type,age', ...rows].join('\n');
  return folderWith(files);
}

describe('checkDataset', async () => {
  const dataset = await readDataset(await badData());
  const { check, copiesOf, inspection } = await checkDataset(dataset);

  it('counts classes, splits, label sources and missing values', () => {
    expect(check).toMatchObject({ schema: 1, images: 32, splits: 'prescribed' });
    expect(check.classes).toEqual([
      { label: 'mel', images: 13, lesions: 12, patients: 12, splits: { train: 7, val: 0, test: 6 } },
      { label: 'nv', images: 19, lesions: 18, patients: 18, splits: { train: 11, val: 0, test: 8 } },
    ]);
    expect(check.labelSources?.column).toBe('dx_type');
    expect(check.labelSources?.counts).toContainEqual({ label: 'nv', source: 'follow_up', images: 1 });
    expect(check.missing).toEqual([
      { column: 'dx_type', images: 1, share: 1 / 32 },
      { column: 'age', images: 2, share: 2 / 32 },
    ]);
    expect(check.problems.map(({ kind }) => kind)).toEqual(['unreadable']);
  });

  it('finds identical files and near-duplicates, and whether the data knows them to be related', () => {
    const { pairs, clusters } = check.duplicates;
    expect(pairs.map(({ ids, identical, related }) => [...ids, identical, related])).toEqual([
      ['good0.png', 'same.png', true, 'no'],
      ['good1.png', 'turned.png', false, 'no'],
      ['good2.png', 'again.png', false, 'yes'],
    ]);
    expect(clusters).toEqual([
      ['good0.png', 'same.png'],
      ['good1.png', 'turned.png'],
      ['again.png', 'good2.png'],
    ]);
    expect(copiesOf('turned.png')).toBe('good1.png');
    expect(copiesOf('good5.png')).toBeUndefined();
  });

  it('finds conflicts and leaks, each once', () => {
    expect(check.conflicts.map(({ tie, key }) => [tie, key.length === 64 ? '' : key])).toEqual([['identical', '']]);
    expect(check.leaks.map(({ tie, key }) => [tie, key])).toEqual([
      ['near-duplicate', 'good1.png'],
      ['lesion', 'L3'],
      ['patient', 'P3'],
    ]);
    expect(checkWarnings(check)).toHaveLength(2);
    expect(checkSummary(check)).toMatch(/^1 pair of identical files and 2 pairs of near-duplicates, in 3 groups/);
  });

  it('finds unusual images, and only those', () => {
    expect(check.suspicious.map(({ id, kind }) => `${id} ${kind}`).sort()).toEqual([
      'blank.png blank',
      'grey.png grey',
      'small.png small',
      'soft.png blurred',
    ]);
  });

  it('checks splits that are given in place of those of the data', async () => {
    const splits = new Map(dataset.examples.map(({ id }) => [id, 'train' as const]));
    const other = await checkDataset(dataset, { splits });
    expect(other.check).toMatchObject({ splits: 'file', leaks: [] });
  });

  it('keeps near-duplicates together in a split, and leaves every other group where it was', () => {
    const examples = dataset.examples.flatMap(({ split: _, ...one }) => (inspection.images.has(one.id) ? [one] : []));
    const sha256Of = (id: string) => inspection.images.get(id)?.sha256;
    const joined = new Set(check.duplicates.clusters.flat());
    let torn = 0;
    for (let seed = 0; seed < 30; seed++) {
      const before = splitDataset(examples, { seed, sha256Of });
      const after = splitDataset(examples, { seed, sha256Of, copiesOf });
      expect(after.get('turned.png')).toBe(after.get('good1.png'));
      if (before.get('turned.png') !== before.get('good1.png')) torn++;
      // The group is called by its smallest lesion, L1, so that lesion stays where it was.
      expect(after.get('good1.png')).toBe(before.get('good1.png'));
      for (const { id } of examples) if (!joined.has(id)) expect(after.get(id)).toBe(before.get(id));
    }
    expect(torn).toBeGreaterThan(0);
  });

  it('makes a page that holds everything itself and takes nothing for markup', async () => {
    const paths = new Map(dataset.examples.map(({ id, path }) => [id, path]));
    const pictures = await picturesOf(new Map(shownIds(check).map((id) => [id, paths.get(id)!])));
    const page = checkPage(check, pictures, (id) => `<${id}>`);
    expect(page.match(/<img src="data:image\/jpeg;base64,/g)?.length).toBe(page.match(/<img/g)?.length);
    expect(page).not.toMatch(/https?:|<script|<good|@import|url\(/);
    for (const id of ['good0.png', 'same.png', 'turned.png', 'lesion.png', 'grey.png']) expect(page).toContain(id);
  });
});

const ham = join(SHARED, 'data/ham10000');
it.skipIf(!existsSync(ham))('finds the copies among a few images of HAM10000', async () => {
  const dataset = await readDataset(ham);
  const wanted = ['ISIC_0024366', 'ISIC_0029861', 'ISIC_0024777', 'ISIC_0029938'];
  const examples = dataset.examples.filter(({ id }, i) => wanted.includes(id) || i % 300 === 0);
  const { check } = await checkDataset({ ...dataset, examples });
  const identical = check.duplicates.pairs.filter((pair) => pair.identical).map(({ ids }) => [...ids].sort().join(' '));
  expect(identical.sort()).toEqual(['ISIC_0024366 ISIC_0029861', 'ISIC_0024777 ISIC_0029938']);
  expect(check.missing.map(({ column }) => column)).not.toContain('lesion');
});
