import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { readEventFile } from '../../../src/train/tensorboard/event-file.ts';
import { type Started, workplace } from './nevus.ts';
import { TINY_CONFIG, writeTinyBackbone } from './tiny-backbone.ts';

const at = workplace();
const SETTINGS = ['train', 'data', '--config', 'tiny.yaml', '--seed', '4', '--json'] as const;

/** Everything that a run must come to, byte for byte, however often it was stopped. */
const RESULTS = [
  'model.onnx',
  'splits.csv',
  'config.yaml',
  'validation/predictions.csv',
  'validation/metrics.json',
  'test/predictions.csv',
  'test/metrics.json',
];

function start(out: string, cache = out): Started {
  return at.start([...SETTINGS, '--out', out], { NEVUS_CACHE: at.path(`cache-${cache}`) });
}

async function resume(out: string): Promise<void> {
  const { code, stderr } = await at.start(['train', '--resume', out, '--quiet'], {
    NEVUS_CACHE: at.path(`cache-${out}`),
  }).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

/** Compares the results, the log without its times, and the steps on the board with those of the run nobody stopped. */
function expectSame(out: string): void {
  for (const file of RESULTS) {
    expect(readFileSync(at.path(out, file)).equals(readFileSync(at.path('whole', file))), file).toBe(true);
  }
  expect(logOf(out)).toEqual(logOf('whole'));
  expect(stepsOf(out)).toEqual(stepsOf('whole'));
}

function logOf(out: string): unknown[] {
  const lines = readFileSync(at.path(out, 'log.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line): unknown => JSON.parse(line, (key, value) => (key === 'seconds' ? 0 : value)));
}

function stepsOf(out: string): (string | number)[] {
  const folder = at.path(out, 'tensorboard');
  const events = readdirSync(folder).flatMap((file) => readEventFile(join(folder, file)));
  return events.flatMap(({ step, summary }) => (summary?.tag === 'loss/train' ? [step] : []));
}

/** Features that a run has remembered so far. */
function remembered(cache: string): number {
  const folder = at.path(`cache-${cache}`, 'features');
  if (!existsSync(folder)) return 0;
  const stores = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const indices = stores.map(({ name }) => statSync(join(folder, name, 'index.bin'), { throwIfNoEntry: false }));
  return indices.reduce((sum, index) => sum + (index?.size ?? 0) / 32, 0);
}

const epochs = (stdout: string, phase: string): number =>
  stdout.split('\n').filter((line) => line.includes('"event":"epoch"') && line.includes(`"phase":"${phase}"`)).length;

beforeAll(async () => {
  writeTinyBackbone(at.path('tiny.onnx'));
  writeFileSync(at.path('tiny.yaml'), TINY_CONFIG.replace('views: 2', 'views: 4'));
  expect(await at.nevus('phantom', 'data', '--count', '60', '--seed', '1', '--size', '64')).toMatchObject({ code: 0 });
  expect(await start('whole').ended).toMatchObject({ code: 0, stderr: '' });
});

describe('a run that was killed goes on to the same bytes', () => {
  it('while features are computed', async () => {
    const run = start('features');
    while (remembered('features') === 0) await setTimeout(1);
    run.child.kill('SIGKILL');
    expect(await run.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(remembered('features')).toBeLessThan(remembered('whole'));
    expect(existsSync(at.path('features', 'checkpoint'))).toBe(false);
    await resume('features');
    expectSame('features');
  });

  it.each([
    ['head', 1],
    ['head', 3],
    ['fine-tune', 1],
    ['fine-tune', 2],
  ])('in phase %s, at epoch %i', async (phase, epoch) => {
    const out = `${phase}-${epoch}`;
    const run = start(out);
    await run.until((stdout) => epochs(stdout, phase) >= epoch);
    run.child.kill('SIGKILL');
    await run.ended;
    await resume(out);
    expectSame(out);
  });

  it('again and again', async () => {
    const run = start('often');
    await run.until((stdout) => epochs(stdout, 'head') >= 1);
    run.child.kill('SIGKILL');
    await run.ended;
    for (const phase of ['head', 'fine-tune']) {
      const next = at.start(['train', '--resume', 'often', '--json'], { NEVUS_CACHE: at.path('cache-often') });
      await next.until((stdout) => epochs(stdout, phase) >= 1);
      next.child.kill('SIGKILL');
      await next.ended;
    }
    await resume('often');
    expectSame('often');
  });

  it('when it was over already', async () => {
    cpSync(at.path('whole'), at.path('over'), { recursive: true });
    await resume('over');
    expectSame('over');
  });
});

describe('Ctrl-C', () => {
  it('stops with status 130 and says how to go on', async () => {
    const run = start('stopped');
    await run.until((stdout) => epochs(stdout, 'head') >= 1);
    run.child.kill('SIGINT');
    const { code, stderr } = await run.ended;
    expect(code).toBe(130);
    const [wish, error = ''] = stderr.trim().split('\n');
    expect(wish).toBe('stopping after the step in progress; Ctrl-C again stops at once');
    expect(JSON.parse(error)).toEqual({
      event: 'error',
      code: 'train/interrupted',
      message: 'stopped: stopped',
      hint: 'Go on with it: nevus train --resume stopped',
      exitCode: 130,
    });
    await resume('stopped');
    expectSame('stopped');
  });
});

describe('--resume', () => {
  it('takes no other settings', async () => {
    const { code, stderr } = await at.nevus('train', '--resume', 'whole', '--seed', '5');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: train --resume: expected no other settings, got seed\nhint: /);
  });

  it('refuses data that have changed since', async () => {
    cpSync(at.path('whole'), at.path('moved'), { recursive: true });
    cpSync(at.path('data'), at.path('data-2'), { recursive: true });
    writeFileSync(
      at.path('data-2', 'images', 'phantom-00001.jpg'),
      readFileSync(at.path('data', 'images', 'phantom-00002.jpg')),
    );
    const config = at.path('moved', 'config.yaml');
    writeFileSync(config, readFileSync(config, 'utf8').replace(at.path('data'), at.path('data-2')));
    const before = readFileSync(at.path('moved', 'splits.csv'));
    const { code, stderr } = await at.nevus('train', '--resume', 'moved');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: moved: expected the data and settings that the run was started with, got others\n/);
    expect(readFileSync(at.path('moved', 'splits.csv')).equals(before)).toBe(true);
  });
});
