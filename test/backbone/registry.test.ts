import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildNetwork } from '../../src/backbone/architectures/build.ts';
import type { StateDict } from '../../src/backbone/architectures/state-dict.ts';
import { backboneState, importBackbone, loadBackbone } from '../../src/backbone/registry.ts';
import { BACKBONES, type BackboneName, rowOf } from '../../src/backbone/rows.ts';
import { parseAddress } from '../../src/backbone/sources/address.ts';
import { cachedPath } from '../../src/backbone/sources/fetch.ts';
import { EnvironmentError, ModelError, UsageError } from '../../src/core/errors.ts';
import { sizeOf } from '../../src/onnx/model.ts';
import { writeTinyBackbone } from '../cli/run/tiny-backbone.ts';
import { readGolden } from './architectures/golden.ts';
import { file, testServer } from './sources/server.ts';

let folder: string;
let tiny: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nevus-registry-'));
  tiny = join(folder, 'tiny.onnx');
  writeTinyBackbone(tiny);
  vi.stubEnv('NEVUS_CACHE', join(folder, 'cache'));
  for (const name of ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'NO_PROXY', 'HF_TOKEN', 'HF_ENDPOINT']) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Weights without any value: names and shapes say what network it is. */
function zeros(shapes: Readonly<Record<string, readonly number[]>>): StateDict {
  return new Map(
    Object.entries(shapes).map(([name, dims]) => [
      name,
      { dims, dtype: 'float32', values: () => new Float32Array(sizeOf(dims)) },
    ]),
  );
}

const names = Object.keys(BACKBONES).filter((name): name is BackboneName => name in BACKBONES);

describe('rows', () => {
  it.each(names)('%s: is whole', (name) => {
    const row = rowOf(name);
    expect(row.cuts[0]).toBe('input');
    expect(new Set(row.cuts).size).toBe(row.cuts.length);
    if (row.kind === 'https') {
      expect(row.source.sha256).toMatch(/^[0-9a-f]{64}$/);
      // torchvision's own names for its files.
      expect(row.source.url).toContain(`-${row.source.sha256.slice(0, 8)}.pth`);
      expect(row.features).toBe(row.cuts.at(-1));
    }
    expect(backboneState(name)).toBe(row.kind === 'file' ? 'file' : 'fetch');
  });

  it.each(names.filter((name) => rowOf(name).kind === 'https'))('%s: has the cuts of the network', (name) => {
    const { cuts, features, ...network } = buildNetwork(zeros(readGolden(name).shapes));
    const row = rowOf(name);
    expect(cuts.map((c) => c.name)).toEqual(row.cuts);
    expect([network.name, network.size, network.normalisation]).toEqual([name, row.size, row.normalisation]);
    expect([features, cuts.at(-1)?.dims]).toEqual([row.features, row.dims]);
  });
});

describe('names', () => {
  it('without weights say what to do, and never reach for a network', async () => {
    const failure = loadBackbone('xception');
    await expect(failure).rejects.toThrow(UsageError);
    await expect(failure).rejects.toMatchObject({
      hint: expect.stringContaining('nevus backbone import xception FILE'),
    });
  });

  it('whose weights cannot be fetched say what else there is', async () => {
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
    const failure = loadBackbone('densenet121');
    await expect(failure).rejects.toThrow(EnvironmentError);
    await expect(failure).rejects.toMatchObject({ hint: expect.stringContaining('nevus backbone import densenet121') });
    // A file put there by hand is not believed to be the pinned one.
    const row = rowOf('densenet121');
    if (row.kind !== 'https') throw new Error('not from the web');
    writeFileSync(cachedPath(parseAddress(row.source.url))!, 'other');
    await expect(loadBackbone('densenet121')).rejects.toThrow(EnvironmentError);
  });

  it('once imported are used, and can end earlier', async () => {
    const { backbone, path } = await importBackbone('resnet50', tiny);
    expect(backbone.name).toBe('resnet50');
    expect(readFileSync(path).length).toBeGreaterThan(0);
    expect(backboneState('resnet50')).toBe('ready');
    const loaded = await loadBackbone('resnet50');
    expect({ ...loaded, model: null }).toEqual({ ...backbone, model: null });
    expect((await loadBackbone('resnet50', { features: 'block_2' })).features).toBe('block_2');
    await expect(loadBackbone('resnet50', { normalisation: 'unit' })).rejects.toThrow('expected its own normalisation');
    await expect(loadBackbone('resnet50', { size: 224 })).rejects.toThrow('expected size 48');
    writeFileSync(path, 'damaged');
    await expect(loadBackbone('resnet50')).rejects.toThrow(ModelError);
  });

  it.each(['a.b', 'a/b', 'auto', '', '-x', 'x'.repeat(65)])('%j is none', async (name) => {
    await expect(importBackbone('auto', tiny, { name })).rejects.toThrow(UsageError);
  });

  it('that nobody knows are refused, with those that are', async () => {
    await expect(loadBackbone('resnet51')).rejects.toThrow('expected one of resnet50, inception_v3');
  });
});

describe('addresses', () => {
  it('of the hub give a backbone its name and its origin', async () => {
    const commit = 'e'.repeat(40);
    const server = await testServer(file(readFileSync(tiny), { headers: { 'x-repo-commit': commit } }));
    vi.stubEnv('HF_ENDPOINT', server.origin);
    const backbone = await loadBackbone('hub:owner/tiny-net/onnx/model.onnx@v1', { features: 'block_2' });
    expect(backbone).toMatchObject({
      name: 'tiny-net',
      features: 'block_2',
      origin: expect.stringContaining(`from hub:owner/tiny-net/onnx/model.onnx@v1 (commit ${commit})`),
    });
    await loadBackbone('hub:owner/tiny-net/onnx/model.onnx@v1');
    expect(server.requests).toHaveLength(1);
    expect((await importBackbone('auto', 'hub:owner/tiny-net/onnx/model.onnx@v1')).backbone.name).toBe('tiny-net');
  });

  it('of this disk are files, with a hash that may be pinned', async () => {
    expect((await loadBackbone(`file:${tiny}`)).name).toBe('tiny');
    await expect(loadBackbone(`file:${tiny}#sha256=${'0'.repeat(64)}`)).rejects.toThrow(ModelError);
  });
});
