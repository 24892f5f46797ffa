/** Backbones by name, address or file. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EnvironmentError, ModelError, UsageError } from '../core/errors.ts';
import type { OnProgress } from '../core/events.ts';
import { cacheFolder, writeFileAtomic } from '../core/files.ts';
import { sha256 } from '../core/hash.ts';
import { decodeModel, encodeModel } from '../onnx/protobuf.ts';
import { FILE_KINDS, type FileOptions, importFile } from './import-file.ts';
import { checkName, isImported, readImported, writeImported } from './imported.ts';
import { importNpmKeras } from './importers/npm-keras.ts';
import { samePixels } from './importers/onnx-file.ts';
import { importTorch } from './importers/torch/import.ts';
import { pixelsOf } from './normalisation.ts';
import { readRecord, withRecord } from './record.ts';
import { BACKBONES, type BackboneName, isBackboneName, rowOf, type WebRow } from './rows.ts';
import { addressText, isAddress, parseAddress } from './sources/address.ts';
import { fetchFile } from './sources/fetch.ts';
import type { Backbone } from './types.ts';
import { withFeatures } from './with-features.ts';

export interface BackboneOptions extends FileOptions {
  readonly onProgress?: OnProgress;
  /** Ends a download that is in progress. */
  readonly signal?: AbortSignal;
}

/** Raised when the conversion changes, so that files converted before are not used again. */
const CONVERSION = 1;

/**
 * A backbone by name (`resnet50`, see `BACKBONES`, or what was imported), whose weights are fetched on first use where
 * they are public, converted and kept in the cache folder; at an address (`hub:owner/name/file.onnx@revision`,
 * `https://…`); or from the path of a file.
 *
 * @param which a name, an address, or the path of an ONNX network or of weights
 * @param options.features tensor or cut to take features from; default the last spatial map
 * @param options.normalisation for files that do not say it; see `Normalisation`
 * @param options.size height and width in pixels; default the network's own
 * @throws {UsageError} neither a name nor a file; weights that must be imported first; or an option that is missing or
 *   contradicts the network
 * @throws {EnvironmentError} weights that are neither cached nor reachable
 * @throws {ModelError} a file that cannot be used as a backbone, or is not the one that was pinned or first seen
 */
export async function loadBackbone(which: string, options: BackboneOptions = {}): Promise<Backbone> {
  const { features } = options;
  const imported = readImported(which);
  if (imported !== undefined) {
    checkOptions(imported, options);
    return withFeatures(imported, features);
  }
  if (isBackboneName(which)) return withFeatures(await loadNamed(which, options), features);
  if (isAddress(which)) return await loadAddress(which, options);
  if (!/\.[a-z0-9]+$/i.test(which) && !existsSync(which))
    throw new UsageError(
      'backbone/name',
      `backbone: expected one of ${Object.keys(BACKBONES).join(', ')}, an address or a file, got ${which}`,
      `Files: ${FILE_KINDS}. nevus backbone import gives one a name.`,
    );
  const backbone = await importFile(which, options);
  checkOptions(backbone, options);
  return backbone;
}

/** A backbone under the name by which it can be used from now on. */
export interface ImportedBackbone {
  readonly backbone: Backbone;
  /** Where it is kept. */
  readonly path: string;
}

/**
 * Converts a file and keeps it under a name in the cache folder, in place of what had that name.
 *
 * @param name of the registry, whose architecture the file must then have; a new one; or `auto` for what the file shows
 * @param file path or address
 * @throws as `loadBackbone`
 */
export async function importBackbone(
  name: string,
  file: string,
  options: BackboneOptions & { readonly name?: string } = {},
): Promise<ImportedBackbone> {
  const { name: given = name === 'auto' ? undefined : name, ...rest } = options;
  if (given !== undefined) checkName(given);
  const architecture = options.architecture ?? (isBackboneName(name) ? name : undefined);
  const wanted = architecture === undefined ? rest : { ...rest, architecture };
  const read = isAddress(file) ? await loadAddress(file, wanted) : await importFile(file, wanted);
  checkOptions(read, rest);
  const backbone = { ...read, name: given ?? read.name.replace(/[^\w-]+/g, '_') };
  checkName(backbone.name);
  return { backbone, path: writeImported(backbone) };
}

/** `ready`: it is on this disk, converted. `fetch`: it is fetched on first use. `file`: it must be imported. */
export type BackboneState = 'ready' | 'fetch' | 'file';

/** What it takes to use a backbone of the registry or an imported one. Looks at this disk only. */
export function backboneState(name: string): BackboneState {
  if (isImported(name) || (isBackboneName(name) && existsSync(convertedPath(name, rowOf(name).size)))) return 'ready';
  return isBackboneName(name) && rowOf(name).kind !== 'file' ? 'fetch' : 'file';
}

async function loadAddress(text: string, options: BackboneOptions): Promise<Backbone> {
  const address = parseAddress(text);
  const { path, commit } = await fetchFile(address, options);
  const read = await importFile(path, options);
  checkOptions(read, options);
  if (address.kind === 'file') return read;
  const name = address.kind === 'hub' ? address.repository.slice(address.repository.indexOf('/') + 1) : read.name;
  const place = `${addressText(address)}${commit === undefined ? '' : ` (commit ${commit})`}`;
  return { ...read, name, origin: `${read.origin}; from ${place}` };
}

async function loadNamed(name: BackboneName, options: BackboneOptions): Promise<Backbone> {
  const row = rowOf(name);
  const size = options.size ?? row.size;
  const path = convertedPath(name, size);
  const cached = readCached(path);
  if (cached !== undefined) {
    checkOptions(cached, options);
    return cached;
  }
  const backbone = await fetchNamed(name, { ...options, size });
  checkOptions(backbone, options);
  writeFileAtomic(path, encodeModel(withRecord(backbone)));
  // Read like every later time, so that the first run is no other.
  return readCached(path) ?? backbone;
}

async function fetchNamed(name: BackboneName, options: BackboneOptions & { readonly size: number }): Promise<Backbone> {
  const row = rowOf(name);
  switch (row.kind) {
    case 'npm':
      return await importNpmKeras(name, row, options);
    case 'https':
      return await fetchWeights(name, row, options);
    case 'file':
      throw new UsageError(
        'backbone/weights',
        `backbone ${name}: expected its weights, but none are shipped and none were imported`,
        `nevus backbone import ${name} FILE, once, with ${row.source.files}. Or name hub:owner/name/file.onnx@revision or a file as the backbone.`,
      );
  }
}

async function fetchWeights(
  name: BackboneName,
  { source, licence, origin }: WebRow,
  { size, ...options }: BackboneOptions & { readonly size: number },
): Promise<Backbone> {
  const address = parseAddress(`${source.url}#sha256=${source.sha256}`);
  try {
    const { path } = await fetchFile(address, options);
    return { ...importTorch(path, { architecture: name, size, licence, origin }), name };
  } catch (error) {
    if (!(error instanceof EnvironmentError) || !error.code.startsWith('download/')) throw error;
    throw new EnvironmentError(
      error.code,
      error.message,
      `${error.hint ?? 'Try again later.'} Weights of ${name} from elsewhere serve as well: nevus backbone import ${name} FILE.`,
      { cause: error },
    );
  }
}

/** Where the weights that are fetched are kept after their conversion. */
function convertedPath(name: BackboneName, size: number): string {
  const row = rowOf(name);
  const source = row.kind === 'npm' ? row.source.integrity : row.kind === 'https' ? row.source.sha256 : '';
  const key = sha256(JSON.stringify([CONVERSION, source, row.features, size])).slice(0, 16);
  return join(cacheFolder(), 'backbones', `${name}-${key}.onnx`);
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
