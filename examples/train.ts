/**
 * Train a model, and ask it about a picture.
 *
 *     npx tsx examples/train.ts [FOLDER] [BACKBONE]
 *
 * FOLDER (default `demo/example`) receives a data set of phantoms and the run.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  Classifier,
  isDefined,
  makePhantoms,
  overlay,
  parseConfig,
  predictFiles,
  presetConfig,
  resumeTraining,
  train,
} from 'nevus';

const [folder = 'demo/example', backbone = 'mobilenet_v2'] = process.argv.slice(2);
const data = join(folder, 'phantoms');
const out = join(folder, 'run');

const { images, malignantImages } = await makePhantoms(data, { count: 60, size: 128 });
console.log(`${images} pictures of lesions that never existed, ${malignantImages} of them malignant`);

// A preset, and over it what is to be different.
const settings = { backbone: { name: backbone }, cut: 'features', seed: 1, headPhase: { epochs: 10 } };
const config = parseConfig(overlay(presetConfig('quick', data), settings), 'example');

// A run that was stopped, or is finished, goes on to the same result.
const start = existsSync(join(out, 'config.yaml'))
  ? resumeTraining
  : (options: { out: string }) => train(config, options);
const { folder: run, test } = await start({ out });
const auc = test?.metrics.malignant?.auc;
console.log(`test AUC, malignant or not: ${auc !== undefined && isDefined(auc) ? auc.toFixed(3) : 'undefined'}`);

const classifier = await Classifier.open(run.model);
const [answer] = await predictFiles(classifier, [join(data, 'images', 'phantom-00001.jpg')]);
console.log(`${answer?.path}: ${answer?.predicted} ${answer?.probability.toFixed(3)}`);
await classifier.close();
