import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rngOf } from '../../src/core/rng.ts';
import { readPredictions } from '../../src/evaluate/predictions.ts';
import { encodePng } from '../../src/image/encode.ts';
import { openClassifier } from '../../src/model/classifier.ts';
import { predictFiles } from '../../src/model/predict.ts';
import { decodeModel } from '../../src/onnx/protobuf.ts';
import { overlay, parseConfig, presetConfig } from '../../src/train/config.ts';
import { type TrainResult, train } from '../../src/train/train.ts';
import { writeTinyBackbone } from '../cli/run/tiny-backbone.ts';

const folder = mkdtempSync(join(tmpdir(), 'nevus-settled-'));
const [tiny, cache] = [join(folder, 'tiny.onnx'), join(folder, 'cache')];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Patchwork in train/ val/ test/ of class folders, no picture like another; the malignant ones are a little darker. */
async function splitFolders(root: string): Promise<void> {
  for (const split of ['train', 'val', 'test']) {
    for (const label of ['benign', 'malignant']) {
      mkdirSync(join(root, split, label), { recursive: true });
      for (let i = 0; i < 16; i++) {
        const rng = rngOf(i, split, label);
        const shade = label === 'malignant' ? 0.7 : 1;
        const patches = Array.from({ length: 36 * 3 }, (_, k) => shade * rng.uniform(60, 255 - 40 * (k % 3)));
        const data = new Uint8Array(96 * 96 * 3);
        for (let y = 0; y < 96; y++)
          for (let x = 0; x < 96; x++)
            for (let c = 0; c < 3; c++)
              data[(y * 96 + x) * 3 + c] = patches[(Math.floor(y / 16) * 6 + Math.floor(x / 16)) * 3 + c]!;
        writeFileSync(join(root, split, label, `${i}.png`), await encodePng({ width: 96, height: 96, data }));
      }
    }
  }
}

/** Calls every image of a split by another label. */
function mislabel(root: string, split: string): void {
  const labels = readdirSync(join(root, split)).sort();
  for (const label of labels) renameSync(join(root, split, label), join(root, split, `${label}-was`));
  labels.forEach((label, i) => {
    renameSync(join(root, split, `${label}-was`), join(root, split, labels[(i + 1) % labels.length]!));
  });
}

async function run(name: string, data: string): Promise<TrainResult> {
  const small = {
    backbone: { name: tiny },
    cut: 'block_1',
    threads: 1,
    // Nothing about the weights may depend on validation, so that only what is settled on it differs.
    best: 'last',
    headPhase: { epochs: 4, rate: 0.01 },
    fineTune: { schedule: 'none' },
  };
  const config = parseConfig(overlay(presetConfig('quick', data), small), 'test');
  return train(config, { out: join(folder, name), cache });
}

const settledIn = (name: string) => {
  const { graph, metadata } = decodeModel(readFileSync(join(folder, name, 'model.onnx')), name);
  const chosen = ['nevus.calibration', 'nevus.operatingPoint', 'nevus.ood', 'nevus.quality', 'nevus.priors'];
  return {
    constants: [...graph.initializers].map(([key, { data }]) => [key, Array.from(data, Number)] as const),
    metadata: chosen.map((key) => [key, metadata[key]] as const),
  };
};

describe('what is settled after training', () => {
  const data = join(folder, 'data');
  let result: TrainResult;

  beforeAll(async () => {
    writeTinyBackbone(tiny);
    await splitFolders(data);
    result = await run('run', data);
  }, 120_000);

  it('is chosen on validation images, never on test images', async () => {
    const otherTest = join(folder, 'other-test');
    cpSync(data, otherTest, { recursive: true });
    mislabel(otherTest, 'test');
    const other = await run('run-other-test', otherTest);
    expect(settledIn('run-other-test')).toEqual(settledIn('run'));
    expect(other.settled).toEqual(result.settled);
    expect(other.test!.metrics.logLoss).not.toEqual(result.test!.metrics.logLoss);

    const otherValidation = join(folder, 'other-val');
    cpSync(data, otherValidation, { recursive: true });
    mislabel(otherValidation, 'val');
    const changed = await run('run-other-val', otherValidation);
    expect(changed.settled.calibration?.temperature).not.toBe(result.settled.calibration?.temperature);
    expect(changed.settled.operatingPoint?.threshold).not.toBe(result.settled.operatingPoint?.threshold);
    expect(changed.settled.calibration?.n).toBe(result.validation.metrics.n);
  }, 120_000);

  it('is in the file: probabilities, threshold and limits are those of the metrics', async () => {
    const { card, ...classifier } = await openClassifier(join(folder, 'run'), { threads: 1 });
    expect(card).toMatchObject(result.settled);
    const written = readPredictions(join(folder, 'run', 'test', 'predictions.csv'));
    const paths = written.examples.map(({ path }) => join(data, path));
    const answers = await predictFiles({ card, ...classifier }, paths);
    await classifier.close();
    const threshold = result.settled.operatingPoint!.threshold;
    let [truePositives, falsePositives] = [0, 0];
    answers.forEach(({ positive, probabilities, predicted, oodScore }, i) => {
      written.labels.forEach((label, c) => {
        expect(Math.abs(probabilities[label]! - written.probabilities[i * written.labels.length + c]!)).toBeLessThan(
          1e-3,
        );
      });
      expect(predicted).toBe(written.predicted[i]);
      expect(oodScore).toBeGreaterThan(0);
      expect(positive?.threshold).toBe(threshold);
      expect(positive?.answer).toBe(positive!.probability >= threshold ? 'malignant' : 'benign');
      if (positive?.answer !== 'malignant') return;
      if (written.examples[i]!.label === 'malignant') truePositives++;
      else falsePositives++;
    });
    const { operatingPoint, threshold: half } = result.test!.metrics.malignant!;
    expect(half).toBe(0.5);
    expect(operatingPoint).toMatchObject({ threshold, counts: { truePositives, falsePositives } });
    expect(operatingPoint!.counts.truePositives + operatingPoint!.counts.falseNegatives).toBe(
      result.test!.metrics.malignant!.nPositive,
    );
  });

  it('is told before and after', () => {
    for (const split of ['validation', 'test']) {
      const file = join(folder, 'run', split, 'calibration.json');
      expect(existsSync(file)).toBe(true);
      const { n, fitted, before, after, question } = JSON.parse(readFileSync(file, 'utf8'));
      expect(n).toBe(split === 'test' ? result.test!.metrics.n : result.validation.metrics.n);
      expect(fitted).toEqual(result.settled.calibration);
      expect(after.logLoss).toBeCloseTo(
        Number((split === 'test' ? result.test! : result.validation).metrics.logLoss),
        9,
      );
      expect(question).toMatchObject({
        name: 'malignant',
        before: { ece: expect.any(Number) },
        after: { brier: expect.any(Number) },
      });
      // On the images that it was fitted to it cannot be worse, but for the pull towards 1.
      if (split === 'validation') expect(after.logLoss).toBeLessThan(before.logLoss + 1 / n);
    }
  });
});
