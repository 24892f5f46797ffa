import { describe, expect, it } from 'vitest';
import { archiveServer } from '../../dataset/isic-archive/archive.ts';
import { workplace } from './nevus.ts';

const { start } = workplace();

describe('nevus data isic', () => {
  it('fetches, says what came and under which licences, and goes on', async () => {
    const archive = await archiveServer([
      { id: 'ISIC_0000001', licence: 'CC-BY' },
      { id: 'ISIC_0000002', licence: 'CC-BY-NC', faults: ['busy', 'cut'] },
      { id: 'ISIC_0000003', faults: ['gone'], always: true },
    ]);
    const run = (...args: readonly string[]) =>
      start(['data', 'isic', 'images', ...args], { NEVUS_ISIC_ARCHIVE: archive.origin }).ended;
    const refused = await run();
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--allow-non-commercial')]);
    const first = await run('--allow-non-commercial');
    expect(first.stdout).toContain(`2 images of 3 in images: 2 fetched, 0 were there`);
    expect(first.stdout).toContain('licences: 1 CC-BY, 1 CC-BY-NC');
    expect(first.stdout).toMatch(/ISIC_0000003 .*404/);
    expect([first.code, first.stderr]).toEqual([6, expect.stringContaining('expected 3 images, got 2')]);
    const again = await run('--skip-non-commercial', '--limit', '1', '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout.trim().split('\n').at(-1)!)).toMatchObject({ images: 1, fetched: 0, reused: 1 });
    expect((await run('--collection', 'seventy')).code).toBe(2);
    expect((await run('--allow-non-commercial', '--skip-non-commercial')).code).toBe(2);
  }, 60_000);
});
