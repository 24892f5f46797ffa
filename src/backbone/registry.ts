/** Backbones by name or file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelError, UsageError } from '../core/errors.ts';
import type { OnProgress } from '../core/events.ts';
import { cacheFolder, writeFileAtomic } from '../core/files.ts';
import { sha256 } from '../core/hash.ts';
import { decodeModel, encodeModel } from '../onnx/protobuf.ts';
import { importNpmKeras } from './importers/npm-keras.ts';
import { importOnnxFile, type OnnxFileOptions, samePixels } from './importers/onnx-file.ts';
import { pixelsOf } from './normalisation.ts';
import { readRecord, withRecord } from './record.ts';
import { BACKBONES, type BackboneName, isBackboneName } from './rows.ts';
import type { Backbone } from './types.ts';
import { withFeatures } from './with-features.ts';

export interface BackboneOptions extends OnnxFileOptions {
  readonly onProgress?: OnProgress;
}

/** Raised when the conversion changes, so that files converted before are not used again. */
const CONVERSION = 1;

/**
 * A backbone by name (`inception_v3`, `mobilenet_v2`), whose weights are fetched on first use, converted and kept in
 * the cache folder; or from the path of any ONNX file.
 *
 * @param nameOrFile a name of the registry, or a path that ends in `.onnx`
 * @param options.features tensor or cut to take features from; default the last spatial map
 * @param options.normalisation for files that do not say it; see `Normalisation`
 * @param options.size height and width in pixels; default the network's own
 * @throws {UsageError} neither a name nor a file; or an option that is missing or contradicts the network
 * @throws {EnvironmentError} weights that are neither cached nor reachable
 * @throws {ModelError} a file that cannot be used as a backbone
 */
export async function loadBackbone(nameOrFile: string, options: BackboneOptions = {}): Promise<Backbone> {
  if (isBackboneName(nameOrFile)) return withFeatures(await loadNamed(nameOrFile, options), options.features);
  if (!/\.onnx$/i.test(nameOrFile) && !existsSync(nameOrFile))
    throw new UsageError(
      'backbone/name',
      `backbone: expected one of ${Object.keys(BACKBONES).join(', ')} or an ONNX file, got ${nameOrFile}`,
    );
  const backbone = await importOnnxFile(nameOrFile, options);
  checkOptions(backbone, options);
  return withFeatures(backbone, options.features);
}

async function loadNamed(name: BackboneName, options: BackboneOptions): Promise<Backbone> {
  const row = BACKBONES[name];
  const size = options.size ?? row.size;
  const key = sha256(JSON.stringify([CONVERSION, row.source.integrity, row.features, size])).slice(0, 16);
  const path = join(cacheFolder(), 'backbones', `${name}-${key}.onnx`);
  const cached = readCached(path);
  if (cached !== undefined) {
    checkOptions(cached, options);
    return cached;
  }
  const backbone = await importNpmKeras(name, row, options);
  checkOptions(backbone, options);
  writeFileAtomic(path, encodeModel(withRecord(backbone)));
  // Read like every later time, so that the first run is no other.
  return readCached(path) ?? backbone;
}

/** A converted backbone, or undefined where there is none or its file is damaged. */
function readCached(path: string): Backbone | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return readRecord(decodeModel(readFileSync(path), path), path);
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

/** What the backbone says of itself is not overruled by options. */
function checkOptions({ name, input }: Backbone, { normalisation, size }: BackboneOptions): void {
  if (normalisation !== undefined && !samePixels(pixelsOf(normalisation), input))
    throw new UsageError(
      'backbone/normalisation',
      `backbone ${name}: expected its own normalisation, got another`,
      'Leave the option normalisation out.',
    );
  if (size !== undefined && size !== input.size)
    throw new UsageError('backbone/size', `backbone ${name}: expected size ${input.size}, got ${size}`);
}
