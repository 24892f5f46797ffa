import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../src/core/errors.ts';
import type { Example } from '../../src/dataset/types.ts';
import { readPredictions } from '../../src/evaluate/predictions.ts';
import { encodePng } from '../../src/image/encode.ts';
import { type Classifier, openClassifier } from '../../src/model/classifier.ts';
import { evaluateDataset } from '../../src/model/evaluate.ts';
import { questionOf } from '../../src/model/question.ts';
import { shipModel } from '../../src/model/ship.ts';
import { encodeModel } from '../../src/onnx/protobuf.ts';
import { LABELS, picture, TAXONOMY, tinySpec } from './tiny.ts';

const root = mkdtempSync(join(tmpdir(), 'nevus-evaluate-'));
const images = Array.from({ length: 12 }, (_, i) => picture(24, 18, i));
let classifier: Classifier;

beforeAll(async () => {
  const file = join(root, 'model.onnx');
  writeFileSync(file, encodeModel(shipModel(tinySpec())));
  for (const [i, image] of images.entries()) writeFileSync(join(root, `${i}.png`), await encodePng(image));
  classifier = await openClassifier(file, { threads: 1 });
});
afterAll(async () => {
  await classifier.close();
  rmSync(root, { recursive: true, force: true });
});

/** One example for each picture, two of each lesion, with labels in turn. */
function examplesWith(labels: readonly string[]): Example[] {
  return images.map((_, i) => ({
    id: `image ${i}`,
    path: join(root, `${i}.png`),
    label: labels[i % labels.length]!,
    lesionId: `lesion ${i >> 1}`,
    split: 'test',
    attributes: { age: String(20 + i) },
  }));
}

describe('evaluateDataset', () => {
  it('writes the predictions and metrics of the model’s own labels', async () => {
    const out = join(root, 'out');
    const examples = examplesWith(['nv', 'mel']);
    const { predictions, metrics } = await evaluateDataset(classifier, examples, { out, seed: 3 });
    const { probabilities } = await classifier.classify(images);
    expect(predictions.labels).toEqual(LABELS);
    predictions.probabilities.forEach((p, i) => {
      expect(p).toBeCloseTo(probabilities[i]!, 5);
    });
    expect(metrics).toMatchObject({ n: 12, nGroups: 6, labels: LABELS, malignant: { name: 'malignant' } });
    expect(metrics.confusionMatrix.map((row) => row.reduce((a, b) => a + b))).toEqual([0, 6, 6]);

    const read = readPredictions(join(out, 'predictions.csv'));
    expect(read.probabilities).toEqual(predictions.probabilities);
    expect(read.examples[3]).toEqual({
      id: 'image 3',
      path: join(root, '3.png'),
      label: 'mel',
      lesionId: 'lesion 1',
      attributes: { age: '23' },
    });
    const text = readFileSync(join(out, 'metrics.json'), 'utf8');
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(metrics)));
    expect(text).toMatch(/^\{\n {2}"schemaVersion": 1,/);
    await evaluateDataset(classifier, examples, { out, seed: 3 });
    expect(readFileSync(join(out, 'metrics.json'), 'utf8')).toBe(text);
  });

  it('averages views on demand', async () => {
    const { predictions } = await evaluateDataset(classifier, examplesWith(LABELS), { tta: true });
    const { probabilities } = await classifier.classify(images, { tta: true });
    predictions.probabilities.forEach((p, i) => {
      expect(p).toBeCloseTo(probabilities[i]!, 5);
    });
  });

  it('answers malignant or benign where the data say no more', async () => {
    const out = join(root, 'binary');
    const { predictions, metrics } = await evaluateDataset(classifier, examplesWith(['Benign', 'malignant']), { out });
    const fine = await evaluateDataset(classifier, examplesWith(['nv', 'bcc']));
    expect(predictions.labels).toEqual(['benign', 'malignant']);
    expect(metrics.malignant).toEqual({ ...fine.metrics.malignant, positiveLabels: ['malignant'] });
    const { examples, labels, probabilities } = readPredictions(join(out, 'predictions.csv'));
    expect(labels).toEqual(['benign', 'malignant']);
    expect(probabilities[0]! + probabilities[1]!).toBeCloseTo(1, 6);
    expect(examples[0]).toMatchObject({ label: 'benign', attributes: { data_label: 'Benign' } });
    expect(examples[1]!.attributes).not.toHaveProperty('data_label');
  });

  it('says which labels it cannot answer, before any picture is read', async () => {
    const absent = examplesWith(['nv', 'mole', 'freckle']).map((e) => ({ ...e, path: 'absent.png' }));
    await expect(evaluateDataset(classifier, absent)).rejects.toThrow(
      `expected the model's labels (bcc, mel, nv), or malignant and benign, got "freckle", "mole"`,
    );
    await expect(evaluateDataset(classifier, [])).rejects.toThrow(DataError);
  });
});

describe('questionOf', () => {
  const model = { labels: LABELS, taxonomy: TAXONOMY };
  const classes = (labels: readonly string[]) => Object.fromEntries(questionOf(model, labels).classOf);

  it('keeps the model’s own labels', () => {
    const question = questionOf(model, ['nv', 'nv', 'mel']);
    expect(question).toMatchObject({ labels: LABELS, taxonomy: TAXONOMY });
    const probabilities = Float32Array.of(0.2, 0.3, 0.5);
    expect(question.answer(probabilities)).toBe(probabilities);
  });

  it('takes the model’s decision for its own labels, and none for the coarser question', () => {
    const priors = [0.2, 0.2, 0.6];
    expect(questionOf({ ...model, priors }, ['nv']).priors).toBe(priors);
    expect(questionOf({ ...model, priors }, ['benign']).priors).toBeUndefined();
  });

  it('knows diagnoses by other names', () => {
    expect(classes(['melanoma', 'nevus', 'seborrheic_keratosis'])).toEqual({
      melanoma: 'malignant',
      nevus: 'benign',
      seborrheic_keratosis: 'benign',
    });
    expect(classes(['MALIGNANT'])).toEqual({ MALIGNANT: 'malignant' });
    expect(classes(['mel', 'benign'])).toEqual({ mel: 'malignant', benign: 'benign' });
    expect([...questionOf(model, ['benign']).answer(Float32Array.of(0.25, 0.5, 0.25))]).toEqual([0.25, 0.75]);
  });

  it('does not guess', () => {
    expect(() => questionOf(model, ['mel', 'toad'])).toThrow('got "toad"');
    expect(() => questionOf({ ...model, taxonomy: undefined }, ['malignant', 'mel'])).toThrow('got "malignant"');
    const urgency = { positive: 'urgent', negative: 'calm', positiveLabels: ['mel'] };
    expect(() => questionOf({ ...model, taxonomy: urgency }, ['melanoma', 'benign'])).toThrow('"benign", "melanoma"');
    expect(questionOf({ ...model, taxonomy: urgency }, ['urgent', 'nv']).labels).toEqual(['calm', 'urgent']);
  });
});
