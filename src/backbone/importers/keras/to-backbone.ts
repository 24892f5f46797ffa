/** A converted Keras network as a backbone. */
import { basename } from 'node:path';
import { ModelError, UsageError } from '../../../core/errors.ts';
import type { Graph } from '../../../onnx/model.ts';
import { articulationPoints } from '../../../onnx/passes/articulation.ts';
import { extract } from '../../../onnx/passes/extract.ts';
import { cutName, usefulCuts } from '../../cuts.ts';
import { KNOWN_FILES, NORMALISATION_WORDS, type Normalisation, type Pixels, pixelsOf } from '../../normalisation.ts';
import type { Backbone, CutPoint } from '../../types.ts';
import { withFeatures } from '../../with-features.ts';
import { findFeatures } from '../find-features.ts';
import type { KerasModel } from '../keras.ts';
import type { Application } from './applications/table.ts';

/** What is known of a network beside its graph. */
export interface Description {
  readonly name: string;
  readonly pixels: Pixels;
  /** Tensor of the features. */
  readonly features: string;
  /** Short name of a cut at a tensor, or undefined where cutting is of no use. */
  readonly cutName: (tensor: string, index: number) => string | undefined;
  readonly licence: string;
  readonly origin: string;
  readonly sha256: string;
}

/**
 * The network up to its features; what comes after is dropped.
 *
 * @throws {ModelError} a network whose input is not one square RGB image, or without such a tensor
 */
export function toBackbone({ model, shapes }: KerasModel, description: Description): Backbone {
  const { name, features, pixels, licence, origin, sha256 } = description;
  const [input, another] = model.graph.inputs;
  const [channels, height, width] = input === undefined ? [] : (shapes.get(input.name) ?? []);
  if (input === undefined || another !== undefined || channels !== 3 || height === undefined || height !== width)
    throw new ModelError(
      'backbone/input',
      `backbone ${name}: expected one input, a square RGB image, got ${model.graph.inputs.map((i) => `[${i.dims.join(', ')}]`).join(' and ') || 'none'}`,
    );
  const dimsOf = (tensor: string): readonly number[] => {
    const dims = shapes.get(tensor);
    if (dims === undefined) throw new ModelError('backbone/tensor', `backbone ${name}: expected a tensor ${tensor}`);
    return dims;
  };
  const cut = (tensor: string, short: string): CutPoint => ({ name: short, tensor, dims: dimsOf(tensor) });
  const inner = usefulCuts(model.graph, input.name, features).flatMap((tensor, i) => {
    const short = description.cutName(tensor, i + 1);
    return short === undefined || !shapes.has(tensor) ? [] : [cut(tensor, short)];
  });
  const output = { name: features, dtype: 'float32' as const, dims: ['N', ...dimsOf(features)] };
  return {
    name,
    model: extract(model, { inputs: [input], outputs: [output] }),
    input: { name: input.name, size: height, layout: 'NCHW', ...pixels },
    features,
    cuts: [
      cut(input.name, 'input'),
      ...inner,
      cut(features, description.cutName(features, inner.length + 1) ?? features),
    ],
    licence,
    origin,
    sha256,
  };
}

/** What may be said of a Keras file that is a backbone. */
export interface KerasFileOptions {
  /** Its architecture: `resnet50`, `xception`, `vgg16`, `vgg19`, `inception_v3`, `mobilenet_v2` or `squeezenet`. */
  readonly architecture?: string;
  /** Default the architecture's name, or else the file's. */
  readonly name?: string;
  /** Licence of the weights, for the card of every model made from them. */
  readonly licence?: string;
  /** Height and width in pixels. Default the architecture's, or what the file says. */
  readonly size?: number;
  /** How pixels become numbers. Default the architecture's. */
  readonly normalisation?: Normalisation;
  /** Layer or cut to take features from. Default the last spatial map. */
  readonly features?: string;
}

/**
 * A network out of a file as a backbone.
 *
 * @param application what it is known to be, if it is
 * @throws {UsageError} a normalisation that must be given, or features that are not there
 * @throws {ModelError} a network that is no backbone
 */
export function fileToBackbone(
  imported: KerasModel,
  file: { readonly path: string; readonly sha256: string },
  options: KerasFileOptions,
  application: Application | undefined,
  resemblance?: Application,
): Backbone {
  const { path, sha256 } = file;
  const known = KNOWN_FILES.get(sha256);
  const normalisation = options.normalisation ?? known?.normalisation ?? application?.normalisation;
  if (normalisation === undefined)
    throw new UsageError(
      'backbone/normalisation',
      `${path}: expected to know how pixels become the network's input, but the file does not say it`,
      `Give the option normalisation (${NORMALISATION_WORDS}), or scale and offset per channel.${resemblance === undefined ? '' : ` The layers are those of ${resemblance.title}, for which Keras has ${String(resemblance.normalisation)}.`}`,
    );
  const { shapes } = imported;
  const usual = application?.features;
  const last = usual !== undefined && shapes.has(usual) ? usual : undefined;
  const base = basename(path);
  const description = {
    name: options.name ?? base.replace(/\.(h5|hdf5|json)$/i, ''),
    pixels: pixelsOf(normalisation),
    cutName: application?.cutName ?? cutName,
    licence: options.licence ?? known?.licence ?? 'not stated in the file',
    origin: known?.origin ?? `${application?.title ?? 'Keras network'} (${base}): training data not stated in the file`,
    sha256,
  };
  // A layer, wherever it is, or else the name of a cut.
  const layer = options.features !== undefined && shapes.has(options.features) ? options.features : undefined;
  const features = layer ?? last ?? findFeatures(searchIn(imported), path);
  return withFeatures(toBackbone(imported, { ...description, features }), options.features);
}

function searchIn({ model, shapes }: KerasModel) {
  const { graph }: { graph: Graph } = model;
  const sinks = graph.outputs.map((o) => o.name);
  const points = articulationPoints(graph, graph.inputs[0]?.name ?? '', sinks);
  return { graph, sinks, points, shapes };
}
