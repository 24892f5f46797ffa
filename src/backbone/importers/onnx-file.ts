/** Any ONNX image network as a backbone. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ModelError, messageOf, ShapeError, systemCode, UsageError } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import type { Model } from '../../onnx/model.ts';
import { articulationPoints } from '../../onnx/passes/articulation.ts';
import { constantsToInitializers } from '../../onnx/passes/constant-nodes.ts';
import { extract } from '../../onnx/passes/extract.ts';
import { removeIdentities } from '../../onnx/passes/identities.ts';
import { mergePads } from '../../onnx/passes/merge-pads.ts';
import { avoidFaults } from '../../onnx/passes/runtime-faults.ts';
import { decodeModel } from '../../onnx/protobuf.ts';
import { cutName, usefulCuts } from '../cuts.ts';
import {
  KNOWN_FILES,
  NORMALISATION_WORDS,
  NORMALISATIONS,
  type Normalisation,
  type Pixels,
  pixelsOf,
} from '../normalisation.ts';
import { inputRecord, readRecord } from '../record.ts';
import type { Backbone, CutPoint } from '../types.ts';
import { findFeatures } from './find-features.ts';
import { findSinks } from './find-sinks.ts';
import { findInput } from './image-input.ts';
import { probe } from './probe.ts';
import { oneOfTokens } from './tokens.ts';

export interface OnnxFileOptions {
  /** Name of the feature tensor; behind one of tokens, `:class` or `:mean` says how they become one. Default: found. */
  readonly features?: string;
  /** How pixels become numbers. Needed where the file does not say it and is not known. */
  readonly normalisation?: Normalisation;
  /** Height and width in pixels. Needed where the file leaves them free. */
  readonly size?: number;
}

/**
 * Reads an ONNX network with one float32 image input, [N, 3, H, W] or [N, H, W, 3]; other inputs may be there where the
 * features do not need them, as in exports of CLIP. What comes after the features is dropped; cut points are found;
 * shapes come from one run on black images. Tokens, [N, T, C], become one vector: the class token, or where there is
 * none their mean.
 *
 * @throws {ModelError} a file that is not ONNX, has no image input, or no features that can be found
 * @throws {UsageError} a size or a normalisation that must be given, or an option that contradicts the file
 */
export async function importOnnxFile(path: string, options: OnnxFileOptions = {}): Promise<Backbone> {
  const data = read(path);
  const model = decodeModel(data, path);
  const record = readRecord(model, path);
  if (record !== undefined) return record;

  const sha = sha256(data);
  const graph = avoidFaults(mergePads(removeIdentities(constantsToInitializers(model.graph))), model.opset);
  const { info, ...place } = findInput(graph, options.size, path);
  const pixels = findPixels(model, sha, options.normalisation, path);
  const { sinks, pick } = findSinks(graph, options.features, path);
  const points = articulationPoints(graph, info.name, sinks);
  if (points.length === 0)
    throw new ModelError(
      'backbone/path',
      `${path}: expected ${sinks.join(', ')} to depend on ${info.name}, got no path`,
    );
  const shapes = await probe({ ...model, graph }, info, points.slice(1), path);
  const asked = options.features === undefined ? undefined : sinks[0];
  const found = asked ?? findFeatures({ graph, sinks, points, shapes }, path);
  const foundDims = shapes.get(found);
  const vector = foundDims?.length === 2 ? oneOfTokens(graph, model.opset, found, foundDims, pick) : undefined;
  const features = vector?.tensor ?? found;
  const dims = vector?.dims ?? foundDims;
  if (dims === undefined || (dims.length !== 1 && dims.length !== 3))
    throw new ShapeError(
      'backbone/features',
      `${path}: tensor ${features}: expected features [C, H, W], [tokens, C] or [C] of one image, got ${dims === undefined ? 'a tensor without a free batch' : `[${dims.join(', ')}]`}`,
      'Name another tensor with the option features; export the network with a free batch size.',
    );
  const whole: Model = { ...model, graph: vector?.graph ?? graph };
  const inner = usefulCuts(graph, info.name, found).filter((t) => [1, 2, 3].includes(shapes.get(t)?.length ?? 0));
  const cuts = [
    ...[...inner, ...(vector === undefined ? [] : [found])].map((t) => ({ tensor: t, dims: shapes.get(t)! })),
    { tensor: features, dims },
  ].map((cut, i): CutPoint => ({ name: cutName(cut.tensor, i + 1), ...cut }));
  const known = KNOWN_FILES.get(sha);
  return {
    name: basename(path).replace(/\.onnx$/i, ''),
    model: extract(whole, { inputs: [info], outputs: [{ name: features, dtype: 'float32', dims: ['N', ...dims] }] }),
    input: { ...place, ...pixels },
    features,
    cuts: [{ name: 'input', tensor: info.name, dims: info.dims.slice(1).map(Number) }, ...cuts],
    licence: known?.licence ?? model.metadata.license ?? model.metadata.licence ?? 'not stated in the file',
    origin: known?.origin ?? `${basename(path)}: training data not stated in the file`,
    sha256: sha,
  };
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(
      'backbone/read',
      `${path}: cannot be read: ${systemCode(error) ?? messageOf(error)}`,
      'Give the path of an ONNX file, or the name of a backbone.',
      { cause: error },
    );
  }
}

/** Said by the file, known of it, or given; never guessed. */
function findPixels(model: Model, sha: string, given: Normalisation | undefined, where: string): Pixels {
  const said = inputRecord(model, where);
  const row = KNOWN_FILES.get(sha)?.normalisation;
  const known = said ?? (row === undefined ? undefined : pixelsOf(row));
  const asked = given === undefined ? undefined : pixelsOf(given);
  const pixels = known ?? asked;
  if (pixels === undefined)
    throw new UsageError(
      'backbone/normalisation',
      `${where}: expected to know how pixels become the network's input, but the file does not say it`,
      `Give the option normalisation: ${NORMALISATIONS.join(', ')} (${NORMALISATION_WORDS}), or scale and offset per channel. The page where the network comes from says which.`,
    );
  const { channels, scale, offset } = pixels;
  if (asked !== undefined && !samePixels(asked, pixels))
    throw new UsageError(
      'backbone/normalisation',
      `${where}: expected ${channels} · [${scale.join(', ')}] + [${offset.join(', ')}], which is known of this file, got another normalisation`,
      'Leave the option normalisation out.',
    );
  return { channels, scale, offset };
}

export function samePixels(a: Pixels, b: Pixels): boolean {
  const near = (x: readonly number[], y: readonly number[]): boolean =>
    x.every((v, i) => Math.abs(v - y[i]!) <= 1e-6 * Math.max(1, Math.abs(v)));
  return a.channels === b.channels && near(a.scale, b.scale) && near(a.offset, b.offset);
}
