import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { workplace } from './nevus.ts';

const { nevus, path } = workplace();

it('checks data: text, JSON, and a page that needs nothing else', async () => {
  expect((await nevus('phantom', 'data', '--count', '30', '--size', '64')).code).toBe(0);
  const plain = await nevus('data', 'check', 'data');
  expect(plain).toMatchObject({ code: 0, stderr: '' });
  expect(plain.stdout).toMatch(/30 images \(csv\)/);
  expect(plain.stdout).toMatch(/copies: 0 identical pairs, \d+ near-duplicate pairs/);
  expect(existsSync(path('check'))).toBe(false);

  const { code, stdout } = await nevus('data', 'check', 'data', '--out', 'check', '--json');
  expect(code).toBe(0);
  const result: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  const written = [join('check', 'check.json'), join('check', 'check.html')];
  const found = { schema: 1, images: 30, splits: 'none' };
  expect(result).toMatchObject({ event: 'result', name: 'checked', written, ...found });
  expect(JSON.parse(readFileSync(path('check', 'check.json'), 'utf8'))).toMatchObject(found);
  expect(readFileSync(path('check', 'check.html'), 'utf8')).toMatch(/^<!doctype html>/);
});

it('refuses splits of other data', async () => {
  writeFileSync(path('splits.csv'), 'id,path,label,lesion_id,patient_id,split\nx,x.png,a,,,train\n');
  const { code, stderr } = await nevus('data', 'check', 'data', '--splits', 'splits.csv');
  expect(code).toBe(2);
  expect(stderr).toContain('expected splits of images of');
});
