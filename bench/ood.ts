/**
 * What a model refuses that it should: AUROC of its `ood_score` for other objects, noise, inverted and blurred lesions against
 * untouched ones, the share that it refuses at its threshold, and the share that the look at the picture refuses.
 *
 *     npm run bench -- ood MODEL DATA [images] [other objects]
 *
 * MODEL: folder of a run, whose `splits.csv` says which images are test images. Objects: a file of raw 224 × 224 RGB
 * pictures, by default the photographs of birds, cats and flowers that the tests of MobileNetV2 use. A model from before there
 * was such a score gets one here, from features of its own training images, with a threshold from its validation images.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { rngOf, shuffled } from '../src/core/rng.ts';
import { readSplits } from '../src/dataset/splits-file.ts';
import { auc } from '../src/evaluate/auc.ts';
import { isDefined } from '../src/evaluate/metric.ts';
import { decodeImage } from '../src/image/decode.ts';
import type { RgbImage } from '../src/image/types.ts';
import { type Classifier, openClassifier } from '../src/model/classifier.ts';
import { fitOutliers, outlierScores } from '../src/model/outliers.ts';
import { imageQuality, QUALITY_LIMITS, qualityProblem } from '../src/model/quality.ts';
import type { OodLimit } from '../src/model/settled.ts';

const OBJECTS = new URL('../../shared/weights/reference/imgs.u8', import.meta.url);
const SIDE = 224;

export async function benchOod(run: string, data: string, images = '200', objects?: string): Promise<void> {
  const count = Number(images);
  const classifier = await openClassifier(run);
  const rows = readSplits(join(run, 'splits.csv'), data);
  const some = (split: string, n: number) =>
    shuffled(
      rows.filter((row) => row.split === split),
      rngOf(0, 'ood', split),
    ).slice(0, n);
  const pictures = async (split: string, n: number): Promise<RgbImage[]> =>
    Promise.all(some(split, n).map(({ path }) => decodeImage(path)));
  const score = await scorer(classifier, some('train', 4 * count), pictures, count);

  const lesions = await pictures('test', count);
  const known = await score.of(lesions);
  const report = async (name: string, others: readonly RgbImage[]): Promise<void> => {
    if (others.length === 0) return;
    const scores = await score.of(others);
    const area = auc([...known, ...scores], [...known.map(() => 0), ...scores.map(() => 1)]);
    const share = (found: (i: number) => boolean): string =>
      `${((100 * others.filter((_, i) => found(i)).length) / others.length).toFixed(0)} %`.padStart(6);
    const unlike = (i: number): boolean => scores[i]! > score.threshold;
    const bad = (i: number): boolean =>
      qualityProblem(imageQuality(others[i]!), classifier.card.quality ?? QUALITY_LIMITS) !== undefined;
    console.log(
      `${name.padEnd(28)}${String(others.length).padStart(5)}  AUROC ${isDefined(area) ? area.toFixed(3) : '–'}  unlike ${share(unlike)}  picture ${share(bad)}  refused ${share((i) => unlike(i) || bad(i))}`,
    );
  };
  await report('test lesions', lesions);
  await report('other objects', objectsIn(objects ?? OBJECTS));
  await report('noise', lesions.slice(0, 50).map(noise));
  await report(
    'inverted lesions',
    lesions.map((i) => ({ ...i, data: i.data.map((v) => 255 - v) })),
  );
  for (const percent of [1, 2, 4, 8]) {
    await report(`blurred, σ ${percent} % of the width`, await Promise.all(lesions.map((i) => blurred(i, percent))));
  }
  await classifier.close();
}

/** The model's own score, or one made for it. */
async function scorer(
  classifier: Classifier,
  training: readonly { readonly path: string; readonly label: string }[],
  pictures: (split: string, n: number) => Promise<RgbImage[]>,
  count: number,
): Promise<{ readonly threshold: number; of(images: readonly RgbImage[]): Promise<number[]> }> {
  const { ood }: { readonly ood?: OodLimit | undefined } = classifier.card;
  if (ood !== undefined) {
    return {
      threshold: ood.threshold,
      of: async (images) => [...((await classifier.classify(images)).oodScores ?? [])],
    };
  }
  console.log('The model has no ood_score: it is made here.');
  const seen = await Promise.all(training.map(({ path }) => decodeImage(path)));
  const targets = training.map(({ label }) => classifier.labels.indexOf(label));
  const outliers = fitOutliers((await classifier.classify(seen)).features, targets, classifier.labels.length);
  const of = async (images: readonly RgbImage[]): Promise<number[]> => [
    ...outlierScores(outliers, (await classifier.classify(images)).features),
  ];
  const validation = (await of(await pictures('val', count))).sort((a, b) => a - b);
  return { threshold: validation[Math.ceil(0.99 * validation.length) - 1]!, of };
}

function objectsIn(file: URL | string): RgbImage[] {
  if (!existsSync(file)) return [];
  const pixels = readFileSync(file);
  const size = SIDE * SIDE * 3;
  return Array.from({ length: pixels.length / size }, (_, i) => ({
    width: SIDE,
    height: SIDE,
    data: new Uint8Array(pixels.subarray(i * size, (i + 1) * size)),
  }));
}

function noise({ width, height }: RgbImage, index: number): RgbImage {
  const rng = rngOf(index, 'noise');
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => rng.int(0, 255)) };
}

async function blurred({ width, height, data }: RgbImage, percent: number): Promise<RgbImage> {
  const raw = { width, height, channels: 3 } as const;
  const soft = await sharp(data, { raw })
    .blur((width * percent) / 100)
    .raw()
    .toBuffer();
  return { width, height, data: new Uint8Array(soft) };
}
