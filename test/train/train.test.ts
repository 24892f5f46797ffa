import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/core/safetensors.ts';
import { makePhantoms } from '../../src/dataset/phantoms/make.ts';
import { decodeModel } from '../../src/onnx/protobuf.ts';
import { ADAMW } from '../../src/optim/optimizers.ts';
import { overlay, type PartialConfig, parseConfig, presetConfig } from '../../src/train/config.ts';
import type { EpochReport, TrainEvent } from '../../src/train/events.ts';
import { type TrainResult, train } from '../../src/train/train.ts';
import { writeTinyBackbone } from '../cli/run/tiny-backbone.ts';

const folder = mkdtempSync(join(tmpdir(), 'nevus-train-'));
const [data, cache, tiny] = [join(folder, 'data'), join(folder, 'cache'), join(folder, 'tiny.onnx')];

beforeAll(async () => {
  writeTinyBackbone(tiny);
  await makePhantoms(data, { count: 40, size: 64 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly out: string;
  readonly result: TrainResult;
  readonly epochs: readonly EpochReport[];
  readonly notes: readonly string[];
}

let runs = 0;
async function run(over: PartialConfig = {}, options: { readonly cache?: string } = {}): Promise<Run> {
  const out = join(folder, `run-${runs++}`);
  const events: TrainEvent[] = [];
  const small = {
    backbone: { name: tiny },
    cut: 'block_1',
    threads: 1,
    headPhase: { epochs: 2, stopAfter: 100 },
    fineTune: { epochs: 3, batch: 8, unfreeze: 'layer', reduce: { factor: 0.6, patience: 1 } },
  };
  const config = parseConfig(overlay(overlay(presetConfig('quick', data), small), over), 'test');
  const result = await train(config, { out, cache, onEvent: (event) => events.push(event), ...options });
  return {
    out,
    result,
    epochs: events.flatMap((e) => (e.kind === 'epoch' ? [e.report] : [])),
    notes: events.flatMap((e) => (e.kind === 'note' ? [e.text] : [])),
  };
}

const bytes = (out: string, ...path: string[]): Buffer => readFileSync(join(out, ...path));
const json = (out: string, ...path: string[]): unknown => JSON.parse(bytes(out, ...path).toString());
/** The events of a run as they are written, but for what a clock said. */
const log = (out: string): unknown[] =>
  bytes(out, 'log.jsonl')
    .toString()
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line, (key, value: unknown) => (key === 'seconds' ? 0 : value)));
const fineTuning = ({ epochs }: Run): EpochReport[] => epochs.filter((e) => e.phase === 'fine-tune');
const kinds = ({ markers }: EpochReport): string[] => markers.map((m) => m.kind);
/** A kernel of the backbone as `model.onnx` has it. */
function shipped(out: string, name: string): readonly number[] {
  const { graph } = decodeModel(bytes(out, 'model.onnx'), 'model.onnx');
  const found = [...graph.initializers].find(([n]) => n.includes(name));
  return Array.from(found![1].data, Number);
}

describe('a run', () => {
  it('twice with the same seed leaves the same bytes', async () => {
    const head = { kind: 'mlp', units: 8, dropout: 0.25, slope: 0.3 } as const;
    const [a, b] = [await run({ head }), await run({ head }, { cache: join(folder, 'cache-b') })];
    const files = [
      'model.onnx',
      'splits.csv',
      ...['validation', 'test'].flatMap((f) => [`${f}/metrics.json`, `${f}/predictions.csv`]),
    ];
    for (const file of [...files, ...readdirSync(join(a.out, 'checkpoint')).map((f) => `checkpoint/${f}`)]) {
      if (file === 'checkpoint/last.safetensors') continue;
      expect([file, bytes(a.out, file).equals(bytes(b.out, file))]).toEqual([file, true]);
    }
    // Its text counts the bytes of the log, in which seconds stand.
    const last = (out: string): unknown => readSafetensors(join(out, 'checkpoint', 'last.safetensors')).tensors;
    expect(last(a.out)).toEqual(last(b.out));
    expect(log(a.out)).toEqual(log(b.out));
    const c = await run({ head, seed: 1 });
    expect(bytes(a.out, 'model.onnx').equals(bytes(c.out, 'model.onnx'))).toBe(false);
  });

  it('remembers features: another schedule computes none', async () => {
    await run({ headPhase: { epochs: 1 }, fineTune: { epochs: 1 } });
    const again = await run({ headPhase: { epochs: 1 }, fineTune: { epochs: 1, schedule: 'one-cycle' } });
    expect(again.notes).toContain('features: all remembered from before');
  });

  it('thaws layer by layer when the loss no longer falls, and lowers the rate each time', async () => {
    const r = await run({ fineTune: { schedule: 'progressive', epochs: 4, rate: 1e-7 } });
    const epochs = fineTuning(r);
    expect(epochs.map((e) => e.frozen)).toEqual([
      'below block_3/conv',
      'below block_3/conv',
      'up to block_1',
      'up to block_1',
    ]);
    expect(epochs[1]!.markers.filter((m) => m.kind !== 'best')).toEqual([
      { kind: 'rate', from: 1e-7, to: 0.6 * 1e-7 },
      { kind: 'thaw', layer: 'block_2/conv' },
    ]);
    expect(epochs[2]!.lr).toBe(0.6 * 1e-7);
    // Both layers are thawed: the rate falls, nothing thaws.
    expect(kinds(epochs[2]!).filter((k) => k !== 'best')).toEqual(['rate']);
  });

  it('ends with the best epoch, whatever came after', async () => {
    // At such a rate every epoch of fine-tuning is worse than the head's.
    const r = await run({ best: 'loss', fineTune: { schedule: 'one-cycle', optimizer: ADAMW, rate: 3, epochs: 2 } });
    const { best, validation } = r.result;
    const losses = r.epochs.map((e) => e.valLoss);
    const top = r.epochs[losses.indexOf(Math.min(...losses))]!;
    expect(best).toEqual({ phase: top.phase, epoch: top.epoch, score: -top.valLoss });
    expect(best.phase).toBe('head');
    expect(json(r.out, 'validation', 'metrics.json')).toMatchObject({
      accuracy: top.accuracy,
      confusionMatrix: top.confusionMatrix,
    });
    expect(validation.predictions.labels).toEqual(['benign', 'malignant']);
    // The backbone of the shipped file is as it was.
    const untouched = decodeModel(readFileSync(tiny), 'tiny').graph.initializers.get('block_3/kernel')!;
    const folded = shipped(r.out, 'block_3/kernel');
    const ratio = folded.map((v, i) => v / Number(untouched.data[i]));
    // Its BatchNormalization divides by √(1 + ε), or stands beside it.
    for (const v of ratio) expect(v).toBeCloseTo(1, 3);
  });

  it('stops early', async () => {
    const r = await run({
      best: 'loss',
      headPhase: { epochs: 50, rate: 1e-9, stopAfter: 2 },
      fineTune: { schedule: 'none' },
    });
    expect(r.epochs.length).toBeLessThan(50);
    expect(kinds(r.epochs.at(-1)!)).toContain('stop');
    expect(r.epochs.slice(-2).every((e) => !kinds(e).includes('best'))).toBe(true);
  });

  it.each([
    ['without fine-tuning', { fineTune: { schedule: 'none' } }],
    ['with the cut at the features', { cut: 'features' }],
    ['with no epochs of fine-tuning', { fineTune: { epochs: 0 } }],
  ] as const)('trains a head alone: %s', async (_, over) => {
    const r = await run(over);
    expect(r.epochs.map((e) => e.phase)).toEqual(['head', 'head']);
    expect(r.result.best.phase).toBe('head');
    expect(existsSync(join(r.out, 'model.onnx'))).toBe(true);
  });

  it('trains the whole network with the cut at the input', async () => {
    const r = await run({
      cut: 'input',
      best: 'loss',
      headPhase: { epochs: 1, rate: 1e-6 },
      fineTune: { schedule: 'one-cycle', epochs: 6, rate: 0.02 },
    });
    expect(fineTuning(r).map((e) => e.frozen)).toEqual(Array.from({ length: 6 }, () => 'nothing'));
    expect(r.result.best.phase).toBe('fine-tune');
    const untouched = decodeModel(readFileSync(tiny), 'tiny').graph.initializers.get('block_1/kernel')!;
    const ratio = shipped(r.out, 'block_1/kernel').map((v, i) => v / Number(untouched.data[i]));
    expect(Math.max(...ratio) - Math.min(...ratio)).toBeGreaterThan(0.01);
  });
});
