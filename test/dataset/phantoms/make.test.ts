import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { sha256 } from '../../../src/core/hash.ts';
import { readCsv } from '../../../src/dataset/csv-text.ts';
import { makePhantoms } from '../../../src/dataset/phantoms/make.ts';

const root = mkdtempSync(join(tmpdir(), 'nevus-phantoms-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const small = { count: 12, seed: 7, size: 48 };

/** Every file of a folder with the hash of its bytes. */
function bytesOf(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, sha256(readFileSync(join(folder, name)))]),
  );
}

describe('makePhantoms', () => {
  it('writes pictures and a table that describe each other', async () => {
    const folder = join(root, 'first');
    const seen: number[] = [];
    const summary = await makePhantoms(folder, { ...small, onProgress: ({ done }) => seen.push(done) });
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

    const table = readCsv(summary.csv);
    const column = (name: string): string[] => table.rows.map((row) => row.cells[table.columns.indexOf(name)]!);
    expect(table.columns).toEqual(
      'image_id,image,label,lesion_id,patient_id,source,age,sex,localization,fitzpatrick,ita,asymmetry,border,colors,diameter,network,hair,ruler,true_score'.split(
        ',',
      ),
    );
    for (const image of column('image')) {
      const { width, height, format } = await sharp(join(folder, image)).metadata();
      expect([width, height, format]).toEqual([48, 48, 'jpeg']);
    }
    expect(summary).toMatchObject({
      images: 12,
      malignantImages: column('label').filter((label) => label === 'malignant').length,
      lesions: new Set(column('lesion_id')).size,
      patients: new Set(column('patient_id')).size,
      reused: false,
    });
    expect(readdirSync(folder).sort()).toEqual(['images', 'phantoms.csv', 'phantoms.json']);
  });

  it('gives the same bytes for the same settings, others for another seed', async () => {
    await makePhantoms(join(root, 'second'), small);
    await makePhantoms(join(root, 'third'), { ...small, seed: 8 });
    expect(bytesOf(join(root, 'second'))).toEqual(bytesOf(join(root, 'first')));
    expect(bytesOf(join(root, 'third'))['images/phantom-00001.jpg']).not.toBe(
      bytesOf(join(root, 'first'))['images/phantom-00001.jpg'],
    );
  });

  it('leaves a complete folder of the same settings as it is', async () => {
    const folder = join(root, 'first');
    const before = statSync(join(folder, 'images/phantom-00001.jpg')).mtimeMs;
    expect((await makePhantoms(folder, small)).reused).toBe(true);
    expect(statSync(join(folder, 'images/phantom-00001.jpg')).mtimeMs).toBe(before);
  });

  it('finishes an interrupted folder, to the same bytes', async () => {
    const folder = join(root, 'interrupted');
    const stop = new Error('stop');
    await expect(
      makePhantoms(folder, {
        ...small,
        onProgress: ({ done }) => {
          if (done === 6) throw stop;
        },
      }),
    ).rejects.toBe(stop);
    expect(existsSync(join(folder, 'phantoms.csv'))).toBe(false);
    writeFileSync(join(folder, 'images/phantom-00009.jpg.1.ab.tmp'), 'half');

    expect((await makePhantoms(folder, small)).reused).toBe(false);
    expect(bytesOf(folder)).toEqual(bytesOf(join(root, 'second')));
  });

  it('refuses a folder that holds something else', async () => {
    await expect(makePhantoms(join(root, 'first'), { ...small, seed: 9 })).rejects.toThrow(UsageError);
    await expect(makePhantoms(join(root, 'first'), { ...small, count: 11 })).rejects.toThrow(UsageError);
    const other = mkdtempSync(join(root, 'other-'));
    writeFileSync(join(other, 'thesis.txt'), 'precious');
    await expect(makePhantoms(other, small)).rejects.toThrow(/expected an empty folder/);
    expect(readdirSync(other)).toEqual(['thesis.txt']);
    // A table that was edited is not overwritten
    writeFileSync(join(root, 'third/phantoms.csv'), 'image,label\n');
    await expect(makePhantoms(join(root, 'third'), { ...small, seed: 8 })).rejects.toThrow(UsageError);
  });

  it('refuses options out of range', async () => {
    for (const wrong of [{ count: 0 }, { count: 1.5 }, { size: 8 }, { seed: Number.NaN }, { size: 100_000 }]) {
      await expect(makePhantoms(join(root, 'never'), { ...small, ...wrong })).rejects.toThrow(UsageError);
    }
    expect(existsSync(join(root, 'never'))).toBe(false);
  });
});
