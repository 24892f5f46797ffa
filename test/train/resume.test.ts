import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makePhantoms } from '../../src/dataset/phantoms/make.ts';
import { type Config, overlay, parseConfig, presetConfig } from '../../src/train/config.ts';
import { resumeTraining, train } from '../../src/train/train.ts';
import { writeTinyBackbone } from '../cli/run/tiny-backbone.ts';

const folder = mkdtempSync(join(tmpdir(), 'nevus-resume-'));
const data = join(folder, 'data');
const cache = join(folder, 'cache');
const tiny = join(folder, 'tiny.onnx');

beforeAll(async () => {
  writeTinyBackbone(tiny);
  await makePhantoms(data, { count: 60, size: 64 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(): Config {
  const over = {
    backbone: { name: tiny },
    cut: 'block_1',
    threads: 1,
    headPhase: { epochs: 2 },
    // At such a rate the first epoch of fine-tuning is not like the head's.
    fineTune: { epochs: 2, schedule: 'one-cycle', rate: 0.01, batch: 4, accumulate: 2, ema: 0.5 },
    best: 'loss',
  };
  return parseConfig(overlay(presetConfig('quick', data), over), 'test');
}

it('goes on exactly from a crash between the best weights of an epoch and its checkpoint', async () => {
  const out = join(folder, 'run');
  const last = join(out, 'checkpoint', 'last.safetensors');
  for (const epoch of [1, 2]) {
    const copy = join(folder, `before-${epoch}`);
    await train(config(), {
      out: `${out}-${epoch}`,
      cache,
      onEvent: (event) => {
        // Told before anything of the epoch is written.
        if (event.kind === 'epoch' && event.report.phase === 'fine-tune' && event.report.epoch === epoch) {
          copyFileSync(last.replace(out, `${out}-${epoch}`), copy);
        }
      },
    });
    const model = readFileSync(join(`${out}-${epoch}`, 'model.onnx'));
    // As if the process had died here: the best weights are those of the epoch, the checkpoint is of the one before.
    copyFileSync(copy, last.replace(out, `${out}-${epoch}`));
    await resumeTraining({ out: `${out}-${epoch}`, cache });
    expect(readFileSync(join(`${out}-${epoch}`, 'model.onnx')).equals(model)).toBe(true);
  }
});

it('leaves nothing of a run whose settings were refused', async () => {
  const out = join(folder, 'refused');
  await expect(train({ ...config(), cut: 'block_9' }, { out, cache })).rejects.toThrow(/expected a cut/);
  // The same folder can be used again.
  await expect(train({ ...config(), cut: 'block_2' }, { out, cache })).resolves.toMatchObject({ cut: 'block_2' });
});
