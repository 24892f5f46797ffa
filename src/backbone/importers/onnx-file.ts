/** Any ONNX image network as a backbone. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ModelError, messageOf, ShapeError, systemCode, UsageError } from '../../core/errors.ts';
import { sha256 } from '../../core/hash.ts';
import type { Graph, Model, ValueInfo } from '../../onnx/model.ts';
import { articulationPoints } from '../../onnx/passes/articulation.ts';
import { constantsToInitializers } from '../../onnx/passes/constant-nodes.ts';
import { extract } from '../../onnx/passes/extract.ts';
import { guardPools } from '../../onnx/passes/guard-pools.ts';
import { removeIdentities } from '../../onnx/passes/identities.ts';
import { mergePads } from '../../onnx/passes/merge-pads.ts';
import { producersOf } from '../../onnx/passes/uses.ts';
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
import type { Backbone, CutPoint, InputSpec } from '../types.ts';
import { FEATURES_OUTPUT, findFeatures } from './find-features.ts';
import { probe } from './probe.ts';

export interface OnnxFileOptions {
  /** Name of the feature tensor. Default: found. */
  readonly features?: string;
  /** How pixels become numbers. Needed where the file does not say it and is not known. */
  readonly normalisation?: Normalisation;
  /** Height and width in pixels. Needed where the file leaves them free. */
  readonly size?: number;
}

/**
 * Reads an ONNX network with one float32 image input, [N, 3, H, W] or [N, H, W, 3]. What comes after the features is
 * dropped; cut points are found; shapes come from one run on black images.
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
  const graph = guardPools(mergePads(removeIdentities(constantsToInitializers(model.graph))));
  const { info, ...place } = findInput(graph, options.size, path);
  const pixels = findPixels(model, sha, options.normalisation, path);
  const sinks = sinksOf(graph, options.features, path);
  const points = articulationPoints(graph, info.name, sinks);
  if (points.length === 0)
    throw new ModelError(
      'backbone/path',
      `${path}: expected ${sinks.join(', ')} to depend on ${info.name}, got no path`,
    );
  const clean: Model = { ...model, graph };
  const shapes = await probe(clean, info, points.slice(1), path);
  const features = options.features ?? findFeatures({ graph, sinks, points, shapes }, path);
  const dims = shapes.get(features);
  if (dims === undefined || (dims.length !== 1 && dims.length !== 3))
    throw new ShapeError(
      'backbone/features',
      `${path}: tensor ${features}: expected features [C, H, W] or [C] of one image, got ${dims === undefined ? 'a tensor without a free batch' : `[${dims.join(', ')}]`}`,
      'Name another tensor with the option features; export the network with a free batch size.',
    );
  const cuts = [
    ...usefulCuts(graph, info.name, features).filter((t) => [1, 3].includes(shapes.get(t)?.length ?? 0)),
    features,
  ].map((tensor, i): CutPoint => ({ name: cutName(tensor, i + 1), tensor, dims: shapes.get(tensor)! }));
  const known = KNOWN_FILES.get(sha);
  return {
    name: basename(path).replace(/\.onnx$/i, ''),
    model: extract(clean, { inputs: [info], outputs: [{ name: features, dtype: 'float32', dims: ['N', ...dims] }] }),
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

/** The image input, with the batch freed and the size fixed. */
function findInput(
  graph: Graph,
  size: number | undefined,
  where: string,
): Pick<InputSpec, 'name' | 'size' | 'layout'> & { readonly info: ValueInfo } {
  const inputs = graph.inputs.filter((i) => !graph.initializers.has(i.name));
  const [input] = inputs;
  const shown = inputs.map((i) => `${i.name} ${i.dtype} [${i.dims.join(', ')}]`).join('; ');
  const wrong = new ModelError(
    'backbone/input',
    `${where}: expected one input, float32 [N, 3, H, W] or [N, H, W, 3], got ${shown || 'none'}`,
    'A model that nevus trained is no backbone: name the backbone it was made from.',
  );
  if (input === undefined || inputs.length > 1 || input.dtype !== 'float32' || input.dims.length !== 4) throw wrong;
  const layout = input.dims[1] === 3 ? 'NCHW' : input.dims[3] === 3 ? 'NHWC' : undefined;
  if (layout === undefined) throw wrong;
  const [height, width] = layout === 'NCHW' ? input.dims.slice(2) : input.dims.slice(1, 3);
  if (typeof height === 'number' && typeof width === 'number' && height !== width)
    throw new ModelError('backbone/input', `${where}: expected a square input, got ${height} × ${width}`);
  const fixed = [height, width].find((d) => typeof d === 'number');
  const side = fixed ?? size;
  if (typeof side !== 'number')
    throw new UsageError(
      'backbone/size',
      `${where}: expected an input of fixed size, got ${shown}`,
      'Say the height and width, in pixels, with the option size (the one it was trained with).',
    );
  if (size !== undefined && size !== side)
    throw new UsageError('backbone/size', `${where}: expected size ${side}, which the file fixes, got ${size}`);
  const dims = layout === 'NCHW' ? ['N', 3, side, side] : ['N', side, side, 3];
  return { name: input.name, size: side, layout, info: { name: input.name, dtype: 'float32', dims } };
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

function sinksOf(graph: Graph, features: string | undefined, where: string): readonly string[] {
  if (features !== undefined) {
    if (producersOf(graph).has(features)) return [features];
    throw new UsageError(
      'backbone/features',
      `${where}: expected the name of a tensor as features, got ${features}`,
      `Its outputs are ${graph.outputs.map((o) => o.name).join(', ')}.`,
    );
  }
  if (graph.outputs.some((o) => o.name === FEATURES_OUTPUT)) return [FEATURES_OUTPUT];
  const outputs = graph.outputs.filter((o) => o.dtype === 'float32').map((o) => o.name);
  if (outputs.length === 0)
    throw new ModelError('backbone/outputs', `${where}: expected an output of float32, got none`);
  return outputs;
}
