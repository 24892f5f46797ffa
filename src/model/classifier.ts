/** A shipped model, opened. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { definedOnly } from '../core/defined-only.ts';
import { ModelError, messageOf, NumericError, ShapeError, systemCode } from '../core/errors.ts';
import type { Taxonomy } from '../dataset/types.ts';
import { IMAGE } from '../features/preprocess.ts';
import type { RgbImage } from '../image/types.ts';
import { dihedral, IDENTITY, type View } from '../image/view.ts';
import { chooseDevice, type DeviceChoice } from '../onnx/device.ts';
import type { Dim, Graph, ValueInfo } from '../onnx/model.ts';
import { decodeModel } from '../onnx/protobuf.ts';
import { openSession, type Session } from '../onnx/session.ts';
import { batchesOf, pixelsOf } from './batches.ts';
import { cardFromMetadata, type ModelCard } from './card.ts';
import { FEATURES, OOD_SCORE, PROBABILITIES } from './ship.ts';

/** Name of the model in a run's folder. */
export const MODEL_FILE = 'model.onnx';

export interface ClassifierOptions {
  /** Threads of the arithmetic. Default: all cores. */
  readonly threads?: number | undefined;
  /** What does the arithmetic. Default `cpu`. `auto` comes to `cpu` without a word: ask `chooseDevice` to be told. */
  readonly device?: DeviceChoice | undefined;
}

export interface ClassifyOptions {
  /** Average over the eight flips and quarter turns. Default false. */
  readonly tta?: boolean | undefined;
}

/** What the model says of some images, in their order. */
export interface Classified {
  /** float32 [n × C], row-major; each row adds up to 1. */
  readonly probabilities: Float32Array;
  /** float32 [n × F], row-major: the vectors given to the head. */
  readonly features: Float32Array;
  /** float32 [n]: how unlike the training images each one is, see `OutlierModel`. Undefined where the model cannot say. */
  readonly oodScores: Float32Array | undefined;
}

export interface Classifier {
  readonly card: ModelCard;
  /** [C], in the order of the probabilities. */
  readonly labels: readonly string[];
  readonly taxonomy: Taxonomy | undefined;
  /** [C], what a probability is relative to when a label is named (see `decideRows`), or undefined for the most probable. */
  readonly priors: readonly number[] | undefined;
  /** F, the length of a feature vector. */
  readonly featureWidth: number;
  /**
   * Images of equal size run together, 16 at most; the last bits of a result may depend on what runs beside it.
   *
   * @param images of any sizes
   * @throws {ShapeError} an image without pixels
   * @throws {NumericError} if the model's answer is not finite
   */
  classify(images: readonly RgbImage[], options?: ClassifyOptions): Promise<Classified>;
  /** Gives its memory back. */
  close(): Promise<void>;
}

const DIHEDRAL: readonly View[] = Array.from({ length: 8 }, (_, i) => dihedral(i));

/**
 * Opens a model that nevus trained.
 *
 * @param path an ONNX file, or the folder of a run, whose `model.onnx` is taken
 * @throws {ModelError} a path that cannot be read, or a file that is not such a model
 * @throws {EnvironmentError} the device does not work here
 */
export async function openClassifier(path: string, options: ClassifierOptions = {}): Promise<Classifier> {
  const file = isFolder(path) ? join(path, MODEL_FILE) : path;
  const bytes = read(file, path);
  const { graph, metadata } = decodeModel(bytes, file);
  checkInterface(graph, file);
  const card = cardFromMetadata(metadata, file);
  const [classes, width] = [PROBABILITIES, FEATURES].map((name) => graph.outputs.find((o) => o.name === name)?.dims[1]);
  if (classes !== card.labels.length || typeof width !== 'number') {
    throw new ModelError('model/labels', `${file}: expected ${classes} labels, got ${card.labels.length}`);
  }
  const device = await chooseDevice(options.device ?? 'cpu');
  const session = await openSession(bytes, definedOnly({ threads: options.threads, device }));
  const hasOod = graph.outputs.some((o) => o.name === OOD_SCORE);
  return {
    card,
    labels: card.labels,
    taxonomy: card.taxonomy,
    priors: card.priors,
    featureWidth: width,
    classify: (images, { tta = false } = {}) =>
      classify({ session, file, classes: card.labels.length, width, hasOod }, images, tta ? DIHEDRAL : [IDENTITY]),
    close: () => session.close(),
  };
}

interface Opened {
  readonly session: Session;
  readonly file: string;
  readonly classes: number;
  readonly width: number;
  readonly hasOod: boolean;
}

async function classify(model: Opened, images: readonly RgbImage[], views: readonly View[]): Promise<Classified> {
  const { session, file, classes, width, hasOod } = model;
  images.forEach(checkImage);
  const probabilities = new Float64Array(images.length * classes);
  const features = new Float64Array(images.length * width);
  const oodScores = hasOod ? new Float64Array(images.length) : undefined;
  for (const batch of batchesOf(images, views)) {
    const outputs = await session.run({ [IMAGE]: pixelsOf(images, batch) });
    batch.looks.forEach(({ image }, row) => {
      addRow(probabilities, image, outputs[PROBABILITIES]!.data, row, classes);
      addRow(features, image, outputs[FEATURES]!.data, row, width);
      if (oodScores !== undefined) addRow(oodScores, image, outputs[OOD_SCORE]!.data, row, 1);
    });
  }
  const mean = (sums: Float64Array): Float32Array => Float32Array.from(sums, (sum) => sum / views.length);
  const bad = probabilities.findIndex((p) => !Number.isFinite(p));
  if (bad >= 0) {
    const image = Math.floor(bad / classes);
    throw new NumericError(
      'model/probability',
      `${file}, image ${image}: expected a probability, got ${probabilities[bad]}`,
    );
  }
  return {
    probabilities: mean(probabilities),
    features: mean(features),
    oodScores: oodScores === undefined ? undefined : mean(oodScores),
  };
}

function addRow(sums: Float64Array, image: number, data: ArrayLike<number | bigint>, row: number, width: number): void {
  for (let i = 0; i < width; i++) sums[image * width + i]! += Number(data[row * width + i]);
}

function checkImage({ width, height, data }: RgbImage, index: number): void {
  if (width * height > 0 && data.length === width * height * 3) return;
  throw new ShapeError('model/image', `image ${index}: expected ${height} × ${width} × 3 bytes, got ${data.length}`);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function read(file: string, path: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new ModelError(
      'model/read',
      missing ? `${file}: expected a model, got no such file` : `${file}: cannot be read: ${messageOf(error)}`,
      missing && file !== path
        ? `Give the folder of a finished run, or finish this one: nevus train --resume ${path}`
        : undefined,
      { cause: error },
    );
  }
}

const isFree = (dim: Dim | undefined): boolean => typeof dim === 'string';

/** @throws {ModelError} unless the graph takes and gives what a shipped model does */
function checkInterface(graph: Graph, file: string): void {
  const inputs = graph.inputs.filter((i) => !graph.initializers.has(i.name));
  const [input] = inputs;
  const takesPixels =
    inputs.length === 1 &&
    input?.name === IMAGE &&
    input.dtype === 'uint8' &&
    input.dims.length === 4 &&
    input.dims.slice(0, 3).every(isFree) &&
    input.dims[3] === 3;
  const gives = (name: string): boolean => {
    const output = graph.outputs.find((o) => o.name === name);
    return output?.dtype === 'float32' && output.dims.length === 2 && typeof output.dims[1] === 'number';
  };
  if (takesPixels && gives(PROBABILITIES) && gives(FEATURES)) return;
  const shown = (values: readonly ValueInfo[]): string =>
    values.map((v) => `${v.name} ${v.dtype} [${v.dims.join(', ')}]`).join('; ') || 'none';
  throw new ModelError(
    'model/interface',
    `${file}: expected a model made by nevus: input ${IMAGE} uint8 [N, H, W, 3], outputs ${PROBABILITIES} float32 [N, C] and ${FEATURES} float32 [N, F]; got input ${shown(inputs)}, outputs ${shown(graph.outputs)}`,
    'Give the folder of a run or its model.onnx. To train on top of another network, give it to: nevus train --backbone',
  );
}
