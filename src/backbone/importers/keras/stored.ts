/** What Keras 2 writes into an HDF5 file: weights by layer, and in full models the network as JSON. */
import { ModelError, messageOf } from '../../../core/errors.ts';
import type { Hdf5Dataset, Hdf5File } from '../hdf5/file.ts';

/** A layer that has a group of its own in the file. */
export interface StoredLayer {
  readonly name: string;
  /** In Keras's own order: kernel, bias; gamma, beta, moving mean, moving variance. */
  readonly weights: readonly StoredWeight[];
  /** Whether it was found inside another network that is a layer, where the order of layers is none. */
  readonly nested: boolean;
}

export interface StoredWeight extends Hdf5Dataset {
  /** As written: `conv1/kernel:0`, or whatever it was called. */
  readonly name: string;
}

export interface StoredModel {
  /** Every layer that is listed, with weights or without, in the file's order. */
  readonly layers: readonly StoredLayer[];
  /** The network, in a file that `model.save` wrote; undefined in one of `model.save_weights`. */
  readonly network: unknown;
}

/**
 * The layers of a file that `model.save_weights("x.h5")` or `model.save("x.h5")` of Keras 2 wrote.
 *
 * @throws {ModelError} a file without such layers, of another version of Keras, or one that contradicts itself
 */
export function readStored(file: Hdf5File, where: string): StoredModel {
  const whole = file.hasGroup('model_weights');
  const root = whole ? '/model_weights' : '';
  const names = listOf(file, root, 'layer_names');
  if (names === undefined)
    throw new ModelError(
      'keras/layers',
      `${where}: expected weights of Keras 2, with an attribute layer_names, got another HDF5 file`,
      'Save them with model.save_weights("weights.h5") of Keras 2 (tf_keras).',
    );
  const backend = text(file, root, 'backend') ?? text(file, '/', 'backend');
  if (backend === 'theano')
    throw new ModelError(
      'keras/backend',
      `${where}: expected weights written with TensorFlow, got some written with Theano, whose kernels are flipped`,
    );
  const config = whole ? text(file, '/', 'model_config') : undefined;
  return {
    layers: names.flatMap((name) => readLayer(file, root, name, where)),
    network: config === undefined ? undefined : json(config, where),
  };
}

function readLayer(file: Hdf5File, root: string, layer: string, where: string): StoredLayer[] {
  const path = `${root}/${layer}`;
  const weights = (listOf(file, path, 'weight_names') ?? []).map((name): StoredWeight => {
    const dataset = file.dataset(`${path}/${name}`);
    if (dataset === undefined)
      throw new ModelError('keras/weights', `${where}: expected weights ${path}/${name}, which are listed, got none`);
    return { name, ...dataset };
  });
  const owners = weights.map(({ name }) => ownerOf(name));
  const distinct = new Set(owners);
  if (distinct.size < 2 || distinct.has('')) return [{ name: layer, weights, nested: false }];
  // A network as a layer lists the weights of all its layers; those that may train come first.
  return [...distinct].map((name) => ({ name, weights: weights.filter((_, i) => owners[i] === name), nested: true }));
}

/** `block1_conv1/kernel:0` → `block1_conv1`; empty where no layer is named. */
function ownerOf(weight: string): string {
  return weight.slice(0, Math.max(0, weight.lastIndexOf('/')));
}

/** An attribute; Keras splits one that is too long for HDF5 into `name0`, `name1`, … */
function listOf(file: Hdf5File, group: string, name: string): readonly string[] | undefined {
  const whole = file.strings(group, name);
  if (whole !== undefined) return whole;
  const parts: string[] = [];
  for (let i = 0; ; i++) {
    const part = file.strings(group, `${name}${i}`);
    if (part === undefined) return i === 0 ? undefined : parts;
    parts.push(...part);
  }
}

function text(file: Hdf5File, group: string, name: string): string | undefined {
  return file.strings(group, name)?.[0];
}

function json(config: string, where: string): unknown {
  try {
    return JSON.parse(config);
  } catch (error) {
    throw new ModelError('keras/config', `${where}: model_config: ${messageOf(error)}`, undefined, { cause: error });
  }
}
