/** A backbone from a file of any kind that can be read. */
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { systemCode, UsageError } from '../core/errors.ts';
import { importKerasH5 } from './importers/keras-h5.ts';
import { importLayersModel } from './importers/keras-layers-model.ts';
import { importOnnxFile, type OnnxFileOptions } from './importers/onnx-file.ts';
import { importTorch } from './importers/torch/import.ts';
import { KNOWN_FILES } from './normalisation.ts';
import { BACKBONES, type BackboneRow } from './rows.ts';
import type { Backbone } from './types.ts';
import { withFeatures } from './with-features.ts';

export interface FileOptions extends OnnxFileOptions {
  /** What network the weights are of, where a file of weights does not show it: `resnet50`. */
  readonly architecture?: string;
  /** Licence of the weights, for the card of every model made from them. */
  readonly licence?: string;
}

type FileKind = 'onnx' | 'torch' | 'hdf5' | 'layers';

/** What can be imported, for messages. */
export const FILE_KINDS = '.onnx, .pth, .pt, .safetensors (PyTorch), .h5 (Keras 2) or model.json (TensorFlow.js)';

/**
 * Reads an ONNX network, PyTorch weights, Keras weights or models, or a TensorFlow.js layers model.
 *
 * @throws {UsageError} a file that cannot be read; an option that is missing or contradicts the file
 * @throws {ModelError} a file that cannot be used as a backbone
 */
export async function importFile(path: string, options: FileOptions = {}): Promise<Backbone> {
  const backbone = await read(path, options);
  const known = published(backbone.sha256);
  const licence = options.licence ?? known?.licence ?? backbone.licence;
  return withFeatures({ ...backbone, licence, origin: known?.origin ?? backbone.origin }, options.features);
}

async function read(path: string, options: FileOptions): Promise<Backbone> {
  switch (kindOf(path)) {
    case 'torch':
      return importTorch(path, options);
    case 'hdf5':
      return await importKerasH5(path, options);
    case 'layers':
      return await importLayersModel(path, options);
    case 'onnx':
      return await importOnnxFile(path, options);
  }
}

/** By the name, and where that says nothing by the first bytes. */
function kindOf(path: string): FileKind {
  const ending = /\.([a-z0-9]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  if (['pth', 'pt', 'safetensors'].includes(ending)) return 'torch';
  if (['h5', 'hdf5'].includes(ending)) return 'hdf5';
  if (ending === 'json') return 'layers';
  if (ending === 'onnx' || !existsSync(path)) return 'onnx';
  const head = firstBytes(path);
  if (head.startsWith('\x89HDF')) return 'hdf5';
  if (ending === 'keras')
    throw new UsageError(
      'backbone/kind',
      `${path}: expected ${FILE_KINDS}, got a file of Keras 3`,
      'Save it as model.save_weights("x.weights.h5") of Keras 2, or export it to ONNX.',
    );
  return head.startsWith('PK') ? 'torch' : 'onnx';
}

function firstBytes(path: string): string {
  const buffer = Buffer.alloc(8);
  try {
    const file = openSync(path, 'r');
    try {
      return buffer.toString('latin1', 0, readSync(file, buffer));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new UsageError('backbone/read', `${path}: cannot be read: ${systemCode(error) ?? 'unknown'}`, undefined, {
      cause: error,
    });
  }
}

/** What is known of a published file, wherever it was found. */
function published(sha256: string): { readonly licence: string; readonly origin: string } | undefined {
  const rows: readonly BackboneRow[] = Object.values(BACKBONES);
  return rows.find((row) => row.kind === 'https' && row.source.sha256 === sha256) ?? KNOWN_FILES.get(sha256);
}
