import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readPredictions } from '../../../src/evaluate/predictions.ts';
import { readEventFile } from '../../../src/train/tensorboard/event-file.ts';
import { workplace } from './nevus.ts';
import { TINY_CONFIG, writeTinyBackbone } from './tiny-backbone.ts';

const at = workplace();
const bytes = (...path: string[]): Buffer => readFileSync(at.path(...path));
const json = (...path: string[]): unknown => JSON.parse(bytes(...path).toString('utf8'));

beforeAll(async () => {
  writeTinyBackbone(at.path('tiny.onnx'));
  writeFileSync(at.path('tiny.yaml'), TINY_CONFIG);
  const drawn = await at.nevus('phantom', 'data', '--count', '60', '--seed', '1', '--size', '64');
  expect(drawn).toMatchObject({ code: 0, stderr: '' });
  const trained = await at.nevus('train', 'data', '--config', 'tiny.yaml', '--seed', '1', '--out', 'run');
  expect(trained).toMatchObject({ code: 0, stderr: '' });
  expect(trained.stdout).toMatch(/test images .*that training never saw/);
  expect(trained.stdout).toMatch(/balanced accuracy +[\d.]+ % {2}[\d.]+ to [\d.]+ %/);
  expect(trained.stdout).toContain('research use only; not a medical device');
});

describe('nevus train', () => {
  it('leaves everything of a run in its folder', () => {
    expect(readdirSync(at.path('run')).sort()).toEqual([
      'checkpoint',
      'config.yaml',
      'log.jsonl',
      'model-card.md',
      'model.onnx',
      'report.html',
      'splits.csv',
      'tensorboard',
      'test',
      'validation',
    ]);
    expect(parse(bytes('run', 'config.yaml').toString())).toMatchObject({ seed: 1, views: 2, cut: 'block_1' });
    const log = bytes('run', 'log.jsonl').toString().trim().split('\n');
    const entries = log.map((line): unknown => JSON.parse(line));
    expect(entries.filter((entry) => JSON.stringify(entry).includes('"event":"epoch"'))).toHaveLength(6);
    for (const split of ['validation', 'test']) {
      const { labels, examples } = readPredictions(at.path('run', split, 'predictions.csv'));
      expect(labels).toEqual(['benign', 'malignant']);
      expect(examples[0]?.attributes).toHaveProperty('true_score');
      expect(json('run', split, 'metrics.json')).toMatchObject({ n: examples.length, labels });
    }
  });

  it('writes events that TensorBoard can read', () => {
    const [file = ''] = readdirSync(at.path('run', 'tensorboard'));
    const events = readEventFile(at.path('run', 'tensorboard', file));
    const tags = new Set(events.flatMap((event) => event.summary?.tag ?? []));
    for (const tag of ['loss/train', 'loss/validation', 'validation/auc', 'validation/pictures'])
      expect(tags).toContain(tag);
    expect(Math.max(...events.map(({ step }) => step))).toBe(6);
  });

  it('gives the same model for the same seed, another for another, and takes its config.yaml back', async () => {
    const [again, other, copy] = await Promise.all([
      at.nevus('train', 'data', '--config', 'tiny.yaml', '--seed', '1', '--out', 'again', '--quiet'),
      // The same cache would be asked for at the same time.
      at.start(['train', 'data', '--config', 'tiny.yaml', '--seed', '2', '--out', 'other'], {
        NEVUS_CACHE: at.path('c2'),
      }).ended,
      at.start(['train', '--config', 'run/config.yaml', '--out', 'copy'], { NEVUS_CACHE: at.path('c3') }).ended,
    ]);
    expect([again.code, other.code, copy.code]).toEqual([0, 0, 0]);
    const model = bytes('run', 'model.onnx');
    expect(bytes('again', 'model.onnx').equals(model)).toBe(true);
    expect(bytes('copy', 'model.onnx').equals(model)).toBe(true);
    expect(bytes('other', 'model.onnx').equals(model)).toBe(false);
    for (const file of ['predictions.csv', 'metrics.json']) {
      expect(bytes('again', 'test', file).equals(bytes('run', 'test', file))).toBe(true);
    }
    // Quiet: no progress and no epochs, but the result.
    expect(again.stdout).not.toMatch(/^head +\d+\/\d+/m);
    expect(again.stdout).toContain('next: nevus predict again');
  });

  it('tells programs everything as JSON, and leaves out the file of a damaged image', async () => {
    writeFileSync(
      at.path('data', 'images', 'phantom-00003.jpg'),
      bytes('data', 'images', 'phantom-00003.jpg').subarray(0, 900),
    );
    const { code, stdout } = await at.nevus(
      ...['train', 'data', '--config', 'tiny.yaml', '--seed', '1', '--json', '--schedule', 'none', '--head', 'mlp'],
    );
    await at.nevus('phantom', 'other-data', '--count', '60', '--seed', '1', '--size', '64');
    writeFileSync(at.path('data', 'images', 'phantom-00003.jpg'), bytes('other-data', 'images', 'phantom-00003.jpg'));
    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(events).toContainEqual(
      expect.objectContaining({ event: 'warning', text: expect.stringMatching(/phantom-00003/) }),
    );
    expect(events.at(-1)).toMatchObject({ event: 'result', name: 'trained', run: 'runs/data-1' });
  });
});

describe('nevus evaluate', () => {
  it('tests exactly the images of a split, and agrees with what training found', async () => {
    const { code, stdout, stderr } = await at.nevus('evaluate', 'run', 'data', '--split', 'test', '--out', 'evaluated');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/balanced accuracy/);
    const then = readPredictions(at.path('run', 'test', 'predictions.csv'));
    const now = readPredictions(at.path('evaluated', 'predictions.csv'));
    expect(now.examples.map(({ id }) => id)).toEqual(then.examples.map(({ id }) => id));
    now.probabilities.forEach((p, i) => {
      expect(Math.abs(p - then.probabilities[i]!)).toBeLessThan(1e-3);
    });
  });

  it('warns where the images were trained on', async () => {
    const { code, stdout } = await at.nevus('evaluate', 'run/model.onnx', 'data');
    expect(code).toBe(0);
    expect(stdout).toMatch(/warning: \d+ of 60 images were trained on/);
    expect(json('run', 'evaluate', 'data', 'metrics.json')).toMatchObject({ n: 60 });
  });

  it('says it when there is no such split', async () => {
    writeFileSync(at.path('lone.onnx'), bytes('run', 'model.onnx'));
    const { code, stderr } = await at.nevus('evaluate', 'lone.onnx', 'data', '--split', 'test');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: .*expected images of the split test, got data without splits\nhint: .*\n$/);
  });
});

describe('nevus predict', () => {
  it('answers for files and folders, and says what the answer is not', async () => {
    const { code, stdout, stderr } = await at.nevus('predict', 'run', 'data');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(2 + 60 + 1);
    expect(lines[0]).toMatch(/^image +label +probability +malignant +answer at 0\.\d{3}( +refused)?$/);
    expect(lines[2]).toMatch(/phantom-00001\.jpg +(benign|malignant) +0\.\d{3} +0\.\d{3} +(benign|malignant|–)/);
    expect(lines.at(-1)).toBe('research use only; not a medical device');
  });

  it('answers for the good files of a bad lot, and names the others', async () => {
    writeFileSync(at.path('text.jpg'), 'not a picture');
    const { code, stdout, stderr } = await at.nevus(
      'predict',
      'run',
      'text.jpg',
      'data/images/phantom-00001.jpg',
      '--json',
    );
    expect(code).toBe(3);
    const events = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(events).toEqual([
      expect.objectContaining({ event: 'prediction', path: 'data/images/phantom-00001.jpg' }),
      expect.objectContaining({ event: 'problem', code: 'image/format' }),
    ]);
    expect(stderr.split('\n')[0]).toBe('research use only; not a medical device');
  });
});

describe('nevus backbone', () => {
  it('lists and describes', async () => {
    const [list, info] = await Promise.all([
      at.nevus('backbone', 'list'),
      at.nevus('backbone', 'info', 'tiny.onnx', '--json'),
    ]);
    expect(list.stdout).toMatch(/^inception_v3 +299 +21\.8 M +2048 × 8 × 8 /m);
    expect(JSON.parse(info.stdout)).toMatchObject({ name: 'tiny', licence: 'MIT', features: 'block_3' });
  });
});
