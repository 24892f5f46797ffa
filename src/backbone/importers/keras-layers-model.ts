/** A Keras network that TensorFlow.js saved as a "layers model" (`model.json` and weight files beside it), as a backbone. */
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { z } from 'zod';
import { ModelError, messageOf, systemCode, UsageError } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import type { Backbone } from '../types.ts';
import { APPLICATIONS, applicationName } from './keras/applications/table.ts';
import { listLayers } from './keras/list-layers.ts';
import { resemblance } from './keras/recognise.ts';
import { fileToBackbone, type KerasFileOptions } from './keras/to-backbone.ts';
import { parse } from './keras/topology.ts';
import { importKeras } from './keras.ts';

const Header = z.object({
  format: z.string().optional(),
  modelTopology: z.object({ model_config: z.unknown().optional() }).loose().optional(),
});

/**
 * Reads `model.json` and the weight files that it names, of 32, 16 or 8 bits. What comes after the features is dropped.
 * How pixels become numbers is never guessed: give `architecture`, for Keras's own `preprocess_input`, or
 * `normalisation`.
 *
 * @throws {UsageError} a file that cannot be read; an option that is missing or unknown
 * @throws {ModelError} a file that is not a layers model, weights that are missing or do not match
 */
export async function importLayersModel(path: string, options: KerasFileOptions = {}): Promise<Backbone> {
  const name = applicationName(options.architecture);
  const text = read(path, 'Give the path of the model.json of a TensorFlow.js layers model.');
  const json = parseJson(text, path);
  const { format, modelTopology } = parse(Header, json, path);
  if (format === 'graph-model')
    throw new ModelError(
      'keras/format',
      `${path}: expected a layers model, got a graph model`,
      'Graph models keep no layers. Convert the Keras model itself, or use its ONNX export.',
    );
  const folder = dirname(resolve(path));
  const hashes = [sha256(text)];
  const shard = (file: string): Buffer => {
    const inside = relative(folder, resolve(folder, file));
    if (inside.startsWith('..') || resolve(inside) === inside)
      throw new ModelError('keras/weights', `${path}: expected weight files in its own folder, got ${file}`);
    const bytes = read(resolve(folder, file), `It belongs beside ${path}: copy the whole folder.`);
    hashes.push(sha256(bytes));
    return bytes;
  };
  const imported = importKeras(json, shard, {
    where: path,
    ...(options.size === undefined ? {} : { size: options.size }),
  });
  const like = resemblance(listLayers(modelTopology?.model_config ?? modelTopology, path));
  // One hash of all files, in the order they are named.
  return fileToBackbone(imported, { path, sha256: sha256(hashes.join()) }, options, name && APPLICATIONS[name], like);
}

function read(path: string, hint: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError('backbone/read', `${path}: cannot be read: ${systemCode(error) ?? messageOf(error)}`, hint, {
      cause: error,
    });
  }
}

function parseJson(text: Buffer, where: string): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch (error) {
    throw new ModelError(
      'keras/json',
      `${where}: expected JSON, got text with an error: ${messageOf(error)}`,
      undefined,
      {
        cause: error,
      },
    );
  }
}
