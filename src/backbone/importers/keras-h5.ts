/** Weights and models that Keras 2 saved as HDF5 (`.h5`), as backbones. */
import { definedOnly } from '../../core/defined-only.ts';
import { ModelError } from '../../core/errors.ts';
import { sha256OfFile } from '../../core/hash.ts';
import type { Backbone } from '../types.ts';
import { withHdf5 } from './hdf5/file.ts';
import { APPLICATIONS, applicationName } from './keras/applications/table.ts';
import { type ListedLayer, listLayers } from './keras/list-layers.ts';
import { recognise, resemblance } from './keras/recognise.ts';
import { readStored, type StoredLayer, type StoredModel } from './keras/stored.ts';
import { fileToBackbone, type KerasFileOptions } from './keras/to-backbone.ts';
import type { Weights } from './keras/weights.ts';
import { importKerasNetwork } from './keras.ts';

/**
 * Reads a file that Keras 2 wrote: with `model.save_weights("x.h5")`, where the architecture is one that nevus can
 * build (ResNet50, Xception, VGG16, VGG19, InceptionV3, MobileNetV2 1.0, SqueezeNet 1.1, with or without a head behind
 * it) and recognised by its layers; or with `model.save("x.h5")`, where the file has the network itself. What comes
 * after the features is dropped, and its weights are not even read.
 *
 * Normalisation of weights is that of Keras's own `preprocess_input` for the architecture; that of a whole model is
 * never guessed: give `architecture` or `normalisation`.
 *
 * @throws {UsageError} a file that cannot be read; an option that is missing or unknown
 * @throws {ModelError} a file that is not HDF5, damaged, not of Keras 2, of no known architecture, or with weights of
 *   other shapes
 */
export async function importKerasH5(path: string, options: KerasFileOptions = {}): Promise<Backbone> {
  applicationName(options.architecture);
  return await withHdf5(path, (file) =>
    storedToBackbone(readStored(file, path), { path, sha256: sha256OfFile(path) }, options),
  );
}

/** What was read as a backbone; see `importKerasH5`. */
export function storedToBackbone(
  { layers, network }: StoredModel,
  file: { readonly path: string; readonly sha256: string },
  options: KerasFileOptions = {},
): Backbone {
  const { path } = file;
  const { size } = options;
  const name = applicationName(options.architecture);
  if (network !== undefined) {
    const listed = listLayers(network, path);
    const weights = weightsIn(byName(layers, path), namesOf(listed));
    const imported = importKerasNetwork(network, weights, { where: path, ...definedOnly({ size }) });
    return fileToBackbone(imported, file, options, name && APPLICATIONS[name], resemblance(listed));
  }
  const found = recognise(layers, path, definedOnly({ name, size }));
  const built = { class_name: 'Functional', config: found.network.config };
  const weights = weightsIn(found.matching.layers, namesOf(listLayers(built, path)));
  const imported = importKerasNetwork(built, weights, { where: path });
  return fileToBackbone(imported, file, { name: found.name, ...options }, found.application);
}

const namesOf = (layers: readonly ListedLayer[]): ReadonlyMap<string, readonly string[]> =>
  new Map(layers.map(({ name, weights }) => [name, weights]));

function byName(layers: readonly StoredLayer[], where: string): ReadonlyMap<string, StoredLayer> {
  const found = new Map<string, StoredLayer>();
  for (const layer of layers) {
    if (layer.weights.length > 0 && found.has(layer.name))
      throw new ModelError('keras/weights', `${where}: expected one layer ${layer.name} with weights, got several`);
    if (layer.weights.length > 0) found.set(layer.name, layer);
  }
  return found;
}

/** A layer's weights are known by their order: their names in the file have had many forms. */
function weightsIn(layers: ReadonlyMap<string, StoredLayer>, names: ReadonlyMap<string, readonly string[]>): Weights {
  return (layer, weight) => {
    const stored = layers.get(layer)?.weights ?? [];
    const own = names.get(layer) ?? [];
    const found = stored.length === own.length ? stored[own.indexOf(weight)] : undefined;
    return found === undefined ? undefined : { dims: found.dims, data: found.read(), from: found.name };
  };
}
