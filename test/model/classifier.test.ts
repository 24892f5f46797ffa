import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError, ModelError, ShapeError } from '../../src/core/errors.ts';
import { encodePng } from '../../src/image/encode.ts';
import type { RgbImage } from '../../src/image/types.ts';
import { applyView, dihedral } from '../../src/image/view.ts';
import { batchesOf } from '../../src/model/batches.ts';
import type { ModelCard } from '../../src/model/card.ts';
import { type Classifier, openClassifier } from '../../src/model/classifier.ts';
import { fitOutliers, type OutlierModel, outlierScores } from '../../src/model/outliers.ts';
import { classifyFiles, predictFiles } from '../../src/model/predict.ts';
import { QUALITY_LIMITS } from '../../src/model/quality.ts';
import { shipModel } from '../../src/model/ship.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { LABELS, picture, TAXONOMY, tinyBackbone, tinySpec } from './tiny.ts';

const root = mkdtempSync(join(tmpdir(), 'nevus-classifier-'));
const file = join(root, 'run', 'model.onnx');
let classifier: Classifier;

beforeAll(async () => {
  mkdirSync(join(root, 'run'));
  writeFileSync(file, encodeModel(shipModel(tinySpec())));
  classifier = await openClassifier(file, { threads: 1 });
});
afterAll(async () => {
  await classifier.close();
  rmSync(root, { recursive: true, force: true });
});

function expectClose(got: Float32Array, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
}

describe('openClassifier', () => {
  it('takes a file or the folder of a run', async () => {
    const other = await openClassifier(join(root, 'run'), { threads: 1 });
    const image = picture(20, 30, 1);
    expect(await other.classify([image])).toEqual(await classifier.classify([image]));
    expect(other.labels).toEqual(LABELS);
    expect(other.taxonomy).toEqual(TAXONOMY);
    expect(other.featureWidth).toBe(5);
    expect(other.card).toEqual(tinySpec().card);
    await other.close();
  });

  it('names labels by the decision in the file', async () => {
    const path = join(root, 'picture.png');
    writeFileSync(path, await encodePng(picture(20, 30, 1)));
    const [plain] = await predictFiles(classifier, [path]);
    const ranked = [...LABELS].sort((a, b) => plain!.probabilities[a]! - plain!.probabilities[b]!);
    expect(plain!.predicted).toBe(ranked[2]);
    // So rare a prior that its class is always named.
    const priors = LABELS.map((label) => (label === ranked[0] ? 1e-6 : 0.5));
    const { card, ...spec } = tinySpec();
    const decided = join(root, 'decided.onnx');
    writeFileSync(decided, encodeModel(shipModel({ ...spec, card: { ...card, priors } })));
    const other = await openClassifier(decided, { threads: 1 });
    expect(other.priors).toEqual(priors);
    const [named] = await predictFiles(other, [path]);
    await other.close();
    expect(named!.predicted).toBe(ranked[0]);
    expect(named!.probability).toBe(plain!.probabilities[ranked[0]!]);
    expect(named!.probabilities).toEqual(plain!.probabilities);
  });

  it('says what is wrong with anything else', async () => {
    const write = (name: string, data: Uint8Array | string): string => {
      writeFileSync(join(root, name), data);
      return join(root, name);
    };
    const { model } = tinyBackbone();
    const shipped = shipModel(tinySpec());
    const open = (path: string) => expect(openClassifier(path)).rejects;
    await open(write('network.onnx', encodeModel(model))).toThrow(
      /expected a model made by nevus: input image uint8 \[N, H, W, 3\].*; got input image float32 \[N, 3, 32, 32\], outputs features float32/,
    );
    await open(write('bare.onnx', encodeModel({ ...shipped, metadata: {} }))).toThrow(
      'expected the metadata of a model',
    );
    const labels = { ...shipped.metadata, 'nevus.labels': '["a","b"]' };
    await open(write('labels.onnx', encodeModel({ ...shipped, metadata: labels }))).toThrow('expected 3 labels, got 2');
    await open(write('text.onnx', 'not a model at all')).toThrow(ModelError);
    await open(write('empty.onnx', '')).toThrow(ModelError);
    await open(write('short.onnx', encodeModel(shipped).subarray(0, 900))).toThrow(ModelError);
    await open(join(root, 'absent.onnx')).toThrow(`${join(root, 'absent.onnx')}: expected a model, got no such file`);
    mkdirSync(join(root, 'unfinished'));
    await open(join(root, 'unfinished')).toMatchObject({ hint: expect.stringContaining('--resume') });
  });
});

describe('classify', () => {
  const mixed: readonly RgbImage[] = [
    picture(40, 30, 1),
    picture(7, 90, 2),
    picture(40, 30, 3),
    picture(1, 1, 4),
    picture(30, 40, 5),
  ];

  it('takes images of different sizes and answers in their order', async () => {
    const together = await classifier.classify(mixed);
    for (const [i, image] of mixed.entries()) {
      const alone = await classifier.classify([image]);
      expectClose(together.probabilities.subarray(i * 3, i * 3 + 3), alone.probabilities);
      expectClose(together.features.subarray(i * 5, i * 5 + 5), alone.features);
    }
    const { probabilities } = await classifier.classify([]);
    expect(probabilities).toHaveLength(0);
  });

  it('averages the eight flips and quarter turns on demand', async () => {
    const images = mixed.slice(0, 2);
    const { probabilities, features } = await classifier.classify(images, { tta: true });
    for (const [i, image] of images.entries()) {
      const p = [0, 0, 0];
      const f = [0, 0, 0, 0, 0];
      for (let k = 0; k < 8; k++) {
        const view = await classifier.classify([applyView(image, dihedral(k))]);
        view.probabilities.forEach((value, c) => {
          p[c]! += value / 8;
        });
        view.features.forEach((value, c) => {
          f[c]! += value / 8;
        });
      }
      expectClose(probabilities.subarray(i * 3, i * 3 + 3), p);
      expectClose(features.subarray(i * 5, i * 5 + 5), f);
      const turned = await classifier.classify([applyView(image, dihedral(5))], { tta: true });
      expectClose(turned.probabilities, p);
    }
  });

  it('refuses an image without pixels', async () => {
    const broken = { width: 3, height: 2, data: new Uint8Array(17) };
    await expect(classifier.classify([broken])).rejects.toThrow(ShapeError);
    await expect(classifier.classify([{ width: 0, height: 2, data: new Uint8Array() }])).rejects.toThrow(ShapeError);
  });

  it('runs large images one at a time, small ones sixteen', () => {
    const sized = (width: number, height: number): RgbImage => ({ width, height, data: new Uint8Array() });
    const counts = (images: readonly RgbImage[], views = 1) =>
      batchesOf(
        images,
        Array.from({ length: views }, (_, k) => dihedral(k)),
      ).map((b) => [b.width, b.height, b.looks.length]);
    expect(counts(Array.from({ length: 20 }, () => sized(9, 9)))).toEqual([
      [9, 9, 16],
      [9, 9, 4],
    ]);
    expect(counts([sized(5000, 4000), sized(5000, 4000)])).toEqual([
      [5000, 4000, 1],
      [5000, 4000, 1],
    ]);
    expect(counts([sized(2000, 1000)], 8)).toEqual([
      [2000, 1000, 4],
      [1000, 2000, 4],
    ]);
  });
});

describe('what an answer says besides', () => {
  const paths = [3, 4, 5, 6].map((seed) => join(root, `beside-${seed}.png`));
  const open = async (name: string, over: Partial<ModelCard>, outliers?: OutlierModel): Promise<Classifier> => {
    const { card, ...spec } = tinySpec();
    const path = join(root, name);
    writeFileSync(path, encodeModel(shipModel({ ...spec, card: { ...card, ...over }, outliers })));
    return openClassifier(path, { threads: 1 });
  };
  // These stripes are not meant to look like skin.
  const quality = { ...QUALITY_LIMITS, minSide: 1, minSharpness: 0, minSkin: 0 };
  const point = { rule: { kind: 'youden' }, sensitivity: 1, specificity: 0.5, n: 9, nPositive: 3 } as const;

  beforeAll(async () => {
    for (const [i, path] of paths.entries()) writeFileSync(path, await encodePng(picture(40, 30, i + 3)));
  });

  it('is yes or no at the threshold of the model', async () => {
    const plain = await predictFiles(classifier, paths);
    const probabilities = plain.map(({ positive }) => positive!.probability);
    expect(plain[0]!.positive).not.toHaveProperty('answer');
    expect(plain[0]!.positive).not.toHaveProperty('threshold');
    const threshold = [...probabilities].sort((a, b) => a - b)[2]!;
    const other = await open('point.onnx', {
      operatingPoint: { threshold, ...point },
      calibration: { temperature: 1, platt: { slope: 1, intercept: -1 }, n: 9 },
    });
    const answers = await predictFiles(other, paths);
    await other.close();
    answers.forEach(({ positive }, i) => {
      expect(positive).toMatchObject({
        name: 'malignant',
        threshold,
        answer: probabilities[i]! >= threshold ? 'malignant' : 'benign',
      });
      const p = probabilities[i]!;
      expect(positive!.calibrated).toBeCloseTo(p / (p + (1 - p) * Math.E), 5);
    });
    expect(answers.filter(({ positive }) => positive!.answer === 'malignant')).toHaveLength(2);
  });

  it('refuses what is no good picture, and says why', async () => {
    const [answer] = await predictFiles(classifier, paths.slice(0, 1));
    expect(answer).toMatchObject({ accepted: false, reason: 'too small: 30 pixels, expected 96 at least' });
    const lenient = await open('lenient.onnx', { quality });
    const [accepted] = await predictFiles(lenient, paths.slice(0, 1));
    await lenient.close();
    expect(accepted!.accepted).toBe(true);
    expect(accepted).not.toHaveProperty('reason');
    expect(accepted).not.toHaveProperty('oodScore');
  });

  it('refuses what is unlike the training images', async () => {
    const known = Array.from({ length: 40 }, (_, i) => picture(40, 30, i));
    const { features, oodScores } = await classifier.classify(known);
    expect(oodScores).toBeUndefined();
    const outliers = fitOutliers(
      features,
      known.map((_, i) => i % 3),
      3,
    );
    const expected = outlierScores(outliers, features);
    const threshold = [...expected].sort((a, b) => a - b)[38]! * 1.001;
    const wary = await open('wary.onnx', { quality, ood: { threshold, quantile: 0.97, n: 40 } }, outliers);
    const scores = (await wary.classify(known)).oodScores!;
    scores.forEach((s, i) => {
      expect(Math.abs(s / expected[i]! - 1)).toBeLessThan(1e-2);
    });
    const other = join(root, 'other.png');
    const dots = picture(40, 30, 1);
    writeFileSync(other, await encodePng({ ...dots, data: dots.data.map((_, i) => (i % 7 === 0 ? 255 : 0)) }));
    const answers = await predictFiles(wary, [...paths, other]);
    const turned = await wary.classify(known.slice(0, 2), { tta: true });
    expect(turned.oodScores).toHaveLength(2);
    await wary.close();
    expect(answers.map(({ accepted }) => accepted)).toEqual([true, true, true, true, false]);
    expect(answers[4]!.reason).toMatch(/^unlike the training images: score [\d.]+, expected [\d.]+ at most$/);
    expect(answers[4]!.oodScore).toBeGreaterThan(threshold);
  });
});

describe('predictFiles', () => {
  const images = Array.from({ length: 19 }, (_, i) => picture(20 + (i % 3), 25, i));
  const paths = images.map((_, i) => join(root, `${i}.png`));
  const bad = join(root, 'bad.jpg');

  beforeAll(async () => {
    for (const [i, image] of images.entries()) writeFileSync(paths[i]!, await encodePng(image));
    writeFileSync(bad, 'no picture');
  });

  it('answers for each file, in order, as for its pixels', async () => {
    const seen: number[] = [];
    const rows = await predictFiles(classifier, paths, { onProgress: ({ done }) => seen.push(done) });
    const { probabilities } = await classifier.classify(images);
    expect(rows.map((row) => row.path)).toEqual(paths);
    rows.forEach((row, i) => {
      const p = [...probabilities.subarray(i * 3, i * 3 + 3)];
      expectClose(Float32Array.from(Object.values(row.probabilities)), p);
      expect(Object.keys(row.probabilities)).toEqual(LABELS);
      expect(row.predicted).toBe(LABELS[p.indexOf(Math.max(...p))]);
      expect(row.probability).toBe(row.probabilities[row.predicted]);
      expect(row.positive?.name).toBe('malignant');
      expect(row.positive?.probability).toBeCloseTo(p[0]! + p[1]!, 5);
    });
    expect(seen.at(-1)).toBe(19);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it('averages views', async () => {
    const [row] = await predictFiles(classifier, paths.slice(0, 1), { tta: true });
    const { probabilities } = await classifier.classify(images.slice(0, 1), { tta: true });
    expectClose(Float32Array.from(Object.values(row!.probabilities)), probabilities);
  });

  it('throws at a file that is no image, or leaves it out and says so', async () => {
    const some = [paths[0]!, bad, paths[1]!, join(root, 'absent.png')];
    await expect(predictFiles(classifier, some)).rejects.toThrow(DataError);
    const told: string[] = [];
    const { paths: read, probabilities } = await classifyFiles(classifier, some, {
      onBadFile: (path, error) => told.push(`${path} ${error.code}`),
    });
    expect(read).toEqual([paths[0], paths[1]]);
    expectClose(probabilities, (await classifyFiles(classifier, paths.slice(0, 2))).probabilities);
    expect(told).toEqual([`${bad} image/format`, `${join(root, 'absent.png')} image/unreadable`]);
    expect(await predictFiles(classifier, [])).toEqual([]);
  });
});
