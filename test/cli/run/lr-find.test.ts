import { readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { workplace } from './nevus.ts';
import { TINY_CONFIG, writeTinyBackbone } from './tiny-backbone.ts';

const at = workplace();
beforeAll(async () => {
  writeTinyBackbone(at.path('tiny.onnx'));
  writeFileSync(at.path('tiny.yaml'), TINY_CONFIG);
  expect((await at.nevus('phantom', 'data', '--count', '60', '--size', '64')).code).toBe(0);
});

const found = z.object({
  phase: z.string(),
  configured: z.number(),
  diverged: z.boolean(),
  steepest: z.number().optional(),
  tenthOfLowest: z.number(),
  points: z.array(z.object({ rate: z.number(), loss: z.number(), smoothed: z.number() })),
});

describe('nevus lr-find', () => {
  it('tries rates on the tail, shows what the loss did, suggests some, and writes it down', async () => {
    const options = ['--config', 'tiny.yaml', '--preset', 'quick', '--seed', '1'];
    const said = await at.nevus('lr-find', 'data', ...options, '--out', 'rates', '--to', '100');
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toMatch(/learning rate of fine-tune: \d+ updates from 1\.0e-6 to /);
    expect(said.stdout).toMatch(/^where the loss falls fastest +\d\.\de-\d$/m);
    expect(said.stdout).toMatch(/^[▁▂▃▄▅▆▇█ ]+smoothed loss/m);
    const { points, ...rest } = found.parse(JSON.parse(readFileSync(at.path('rates', 'lr-find.json'), 'utf8')));
    // At such rates a network is lost.
    expect(rest).toMatchObject({ phase: 'fine-tune', configured: 1e-4, diverged: true });
    expect(points.length).toBeLessThan(100);
    const rates = points.map((p) => p.rate);
    expect(rates).toEqual(rates.toSorted((a, b) => a - b));
    // The first steps are noise.
    const lowest = Math.min(...points.slice(10).map((p) => p.smoothed));
    expect(rest.tenthOfLowest).toBeCloseTo(points.find((p) => p.smoothed === lowest)!.rate / 10, 12);
    expect(rest.steepest).toBeGreaterThan(1e-6);
    expect(rest.steepest).toBeLessThanOrEqual(10 * rest.tenthOfLowest);
    // The same again, in JSON; nothing but the cache was changed by the first.
    const again = await at.nevus('lr-find', 'data', ...options, '--to', '100', '--json');
    expect(found.parse(JSON.parse(again.stdout.trim().split('\n').at(-1)!)).points).toEqual(points);
  });

  it('tries them on the head alone', async () => {
    const said = await at.nevus(
      'lr-find',
      'data',
      ...['--config', 'tiny.yaml', '--preset', 'quick', '--phase', 'head', '--steps', '20', '--json'],
    );
    expect(said.code).toBe(0);
    const { phase, points } = found.parse(JSON.parse(said.stdout.trim().split('\n').at(-1)!));
    expect(phase).toBe('head');
    expect(points.length).toBeLessThanOrEqual(20);
  });

  it.each([
    [['--steps', '1'], /steps: expected a whole number above 1, got 1/],
    [['--from', '1', '--to', '0.1'], /rates: expected a rise from above 0, got 1 to 0\.1/],
    [['--schedule', 'none', '--phase', 'fine-tune'], /phase: expected one of head, got fine-tune/],
  ])('refuses %j', async (options, message) => {
    const said = await at.nevus('lr-find', 'data', '--config', 'tiny.yaml', '--preset', 'quick', ...options);
    expect(said.code).toBe(2);
    expect(said.stderr).toMatch(message);
  });
});
