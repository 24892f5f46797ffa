import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { settingsOf } from '../../src/cli/train-settings.ts';
import { UsageError } from '../../src/core/errors.ts';
import { parseConfig, presetConfig } from '../../src/train/config.ts';
import { configText } from '../../src/train/run-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'nevus-settings-'));
const file = join(folder, 'settings.yaml');

beforeAll(() => {
  mkdirSync(join(folder, 'data'));
  writeFileSync(
    file,
    'data: data\nbackbone: { name: net.onnx, features: pool, size: 64 }\nviews: 5\nseed: 5\nheadPhase: { epochs: 7 }\n',
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('settingsOf', () => {
  it('is the preset where nothing else is said', () => {
    expect(settingsOf('x', {})).toEqual(presetConfig('standard', resolve('x')));
    expect(settingsOf('x', { preset: 'quick' })).toEqual(presetConfig('quick', resolve('x')));
  });

  it('lays the file over the preset, and the command line over the file', () => {
    const preset = presetConfig('quick', '');
    const config = settingsOf(undefined, { preset: 'quick', config: file, seed: 9, epochs: 3 });
    expect(config).toMatchObject({ views: 5, seed: 9, data: join(folder, 'data') });
    expect(config.headPhase).toEqual({ ...preset.headPhase, epochs: 7 });
    expect(config.fineTune).toEqual({ ...preset.fineTune, epochs: 3 });
  });

  it('takes what fine-tuning has besides', () => {
    const { fineTune, best } = settingsOf('x', { schedule: 'cosine', accumulate: 4, ema: 0.99, best: 'last' });
    expect({ ...fineTune, best }).toMatchObject({ schedule: 'cosine', accumulate: 4, ema: 0.99, best: 'last' });
    expect(() => settingsOf('x', { accumulate: 0 })).toThrow(/fineTune\.accumulate/);
    expect(() => settingsOf('x', { ema: 1 })).toThrow(/fineTune\.ema/);
    // A complete file from before there was such a thing.
    const { accumulate: _, ema: __, warmUp: ___, ...older } = fineTune;
    expect(parseConfig({ ...settingsOf('x', {}), fineTune: older }, 'older').fineTune).toMatchObject({
      accumulate: 1,
      ema: 0,
    });
  });

  it('takes paths in the file from the file, others from here', () => {
    expect(settingsOf(undefined, { config: file }).backbone).toMatchObject({ name: join(folder, 'net.onnx') });
    expect(settingsOf('x', { config: file, backbone: './y.onnx' })).toMatchObject({
      data: resolve('x'),
      backbone: { name: resolve('y.onnx') },
    });
  });

  it('forgets what the file says of another backbone', () => {
    const { backbone } = settingsOf('x', { config: file, backbone: 'inception_v3', normalisation: 'unit' });
    expect(JSON.parse(JSON.stringify(backbone))).toEqual({ name: 'inception_v3', normalisation: 'unit' });
  });

  it('gives a head the settings of its kind', () => {
    expect(settingsOf('x', { preset: 'quick', head: 'mlp' }).head).toMatchObject({ kind: 'mlp', units: 1024 });
    expect(settingsOf('x', { preset: 'standard', head: 'linear' }).head).toEqual({ kind: 'linear' });
  });

  it('computes on the processor unless a device is named, in an older run’s config.yaml too', () => {
    expect(settingsOf('x', {}).device).toBe('cpu');
    const path = join(folder, 'device.yaml');
    writeFileSync(path, 'data: data\ndevice: webgpu\n');
    expect(settingsOf(undefined, { config: path }).device).toBe('webgpu');
    expect(settingsOf(undefined, { config: path, device: 'auto' }).device).toBe('auto');
    writeFileSync(path, 'data: data\ndevice: gpu\n');
    expect(() => settingsOf(undefined, { config: path })).toThrow(UsageError);
    const { device: _, ...older } = presetConfig('quick', 'x');
    expect(parseConfig(older, 'config.yaml').device).toBe('cpu');
  });

  it('takes a run’s own config.yaml as it is', () => {
    const config = settingsOf('x', { preset: 'quick', seed: 3, tta: true, threads: 2 });
    const path = join(folder, 'config.yaml');
    writeFileSync(path, configText(config));
    expect(JSON.stringify(settingsOf(undefined, { config: path }))).toBe(JSON.stringify(config));
  });

  it('accepts an empty file, and refuses one that is no list of settings', () => {
    const path = join(folder, 'other.yaml');
    writeFileSync(path, '# nothing yet\n');
    expect(settingsOf('x', { config: path })).toEqual(presetConfig('standard', resolve('x')));
    writeFileSync(path, '- views\n');
    expect(() => settingsOf('x', { config: path })).toThrow(UsageError);
  });
});
