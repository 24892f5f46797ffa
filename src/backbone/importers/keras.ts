/** Keras networks, saved as a TensorFlow.js "layers model", to ONNX. */
import { z } from 'zod';
import { ModelError, ShapeError, UnsupportedOperatorError, UsageError } from '../../core/errors.ts';
import { type GraphBuilder, graphBuilder } from '../../onnx/builder.ts';
import type { Model } from '../../onnx/model.ts';
import { removeIdentities } from '../../onnx/passes/identities.ts';
import { mergePads } from '../../onnx/passes/merge-pads.ts';
import { avoidFaults } from '../../onnx/passes/runtime-faults.ts';
import type { Value } from './keras/layer.ts';
import { LAYERS } from './keras/layers.ts';
import { type LayerConfig, NETWORKS, parse, readNetwork } from './keras/topology.ts';
import { readWeights, type Weights } from './keras/weights.ts';

const LayersModel = z.object({
  modelTopology: z.object({
    // Keras writes the network itself, or wrapped with the version that saved it.
    model_config: z.object({ class_name: z.string(), config: z.unknown() }).optional(),
    class_name: z.string().optional(),
    config: z.unknown().optional(),
  }),
  weightsManifest: z.unknown(),
});

export interface KerasOptions {
  /** How messages name the model. Default `model.json`. */
  readonly where?: string;
  /** Height and width of the input, where the model leaves them free. */
  readonly size?: number;
}

/** An imported network. */
export interface KerasModel {
  /** float32, opset 17; input and output keep their layers' names; batch `N` is free; images are NCHW. */
  readonly model: Model;
  /** Shape of one example of every layer's result, by tensor name: [C, H, W] or [C]. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * Translates a layers model. Images become NCHW, `same` padding explicit, and each convolution keeps its
 * BatchNormalization as a node of its own, with weights named as in Keras (`conv2d_1/kernel`, convolutions OIHW).
 *
 * @param json the content of model.json
 * @param shard bytes of one of its weight files, by the path that model.json gives
 * @throws {UnsupportedOperatorError} a layer without a translation
 * @throws {ModelError} a model that is malformed, or weights that do not match it
 * @throws {UsageError} a free input size, and none given
 */
export function importKeras(
  json: unknown,
  shard: (path: string) => Uint8Array,
  options: KerasOptions = {},
): KerasModel {
  const where = options.where ?? 'model.json';
  const { modelTopology, weightsManifest } = parse(LayersModel, json, where);
  const network = modelTopology.model_config ?? modelTopology;
  return importKerasNetwork(network, readWeights(weightsManifest, shard, where), { ...options, where });
}

const NetworkJson = z.object({ class_name: z.string().optional(), config: z.unknown() });

/**
 * Translates a network given as its JSON and its weights, as `importKeras` does.
 *
 * @param network `class_name` and `config`, as Keras writes them
 * @throws as `importKeras`
 */
export function importKerasNetwork(network: unknown, weights: Weights, options: KerasOptions = {}): KerasModel {
  const where = options.where ?? 'model.json';
  const { class_name: type, config } = parse(NetworkJson, network, where);
  if (type === undefined || !NETWORKS.includes(type))
    throw new ModelError(
      'keras/class',
      `${where}: expected one of ${NETWORKS.join(', ')}, got ${type ?? 'no class_name'}`,
    );
  const builder = graphBuilder();
  const shapes = new Map<string, readonly number[]>();
  const scope: Scope = { builder, shapes, weights, where };
  const inputs: Value[] = [];
  const outputs = inline(scope, type, config, (layer) => {
    const value = { name: layer.name, dims: inputDims(layer, options.size, where) };
    inputs.push(value);
    return value;
  });
  const info = ({ name, dims }: Value) => ({ name, dtype: 'float32' as const, dims: ['N', ...dims] });
  const graph = avoidFaults(mergePads(removeIdentities(builder.graph(inputs.map(info), outputs.map(info)))), 17);
  return { model: { graph, opset: 17, domains: {}, irVersion: 8, producer: 'nevus', metadata: {} }, shapes };
}

interface Scope {
  readonly builder: GraphBuilder;
  readonly shapes: Map<string, readonly number[]>;
  readonly weights: Weights;
  readonly where: string;
}

/** Writes a network's nodes. @param enter gives the value of an InputLayer @returns the network's outputs */
function inline(scope: Scope, type: string, config: unknown, enter: (layer: LayerConfig) => Value): Value[] {
  const network = readNetwork(type, config, scope.where);
  const byName = new Map(network.layers.map((layer) => [layer.name, layer]));
  const done = new Map<string, Value>();
  const pending = new Set<string>();

  const resultOf = (name: string, use: number): Value => {
    const key = `${name}\u0000${use}`;
    const known = done.get(key);
    if (known !== undefined) return known;
    const layer = byName.get(name);
    if (layer === undefined || pending.has(key))
      throw new ModelError(
        'keras/graph',
        `${scope.where}: expected layers in an order without cycles, got a reference to ${layer === undefined ? 'a missing' : 'an unfinished'} layer ${name}`,
      );
    pending.add(key);
    const value = layer.type === 'InputLayer' ? enter(layer) : call(layer, use);
    scope.shapes.set(value.name, value.dims);
    done.set(key, value);
    return value;
  };
  const call = (layer: LayerConfig, use: number): Value => {
    const sources = layer.uses[use];
    if (sources === undefined)
      throw new ModelError('keras/graph', `${scope.where}: layer ${layer.name}: expected a call number ${use}`);
    const inputs = sources.map((s) => resultOf(s.layer, s.use));
    if (NETWORKS.includes(layer.type)) return nested(scope, layer, inputs);
    const rule = LAYERS.get(layer.type);
    if (rule === undefined)
      throw new UnsupportedOperatorError(
        'keras/layer',
        `${scope.where}: layer ${layer.name}: layers of type ${layer.type} are not supported`,
        `Supported: ${[...LAYERS.keys(), ...NETWORKS].join(', ')}.`,
      );
    return rule({
      type: layer.type,
      layer: layer.name,
      output: scope.builder.fresh(layer.name),
      config: layer.config,
      inputs,
      builder: scope.builder,
      weights: scope.weights,
    });
  };

  // In the order of the file, so that the inputs keep theirs; what a layer needs comes before it.
  for (const layer of network.layers)
    for (let use = 0; use < Math.max(layer.uses.length, 1); use++)
      if (layer.type === 'InputLayer' || layer.uses.length > 0) resultOf(layer.name, use);
  return network.outputs.map((o) => resultOf(o.layer, o.use));
}

/** A network used as a layer: its nodes go into the same graph. */
function nested(scope: Scope, layer: LayerConfig, inputs: readonly Value[]): Value {
  const { inputs: entries } = readNetwork(layer.type, layer.config, scope.where);
  const outputs = inline(scope, layer.type, layer.config, (entry) => {
    const value = inputs[entries.findIndex((e) => e.layer === entry.name)];
    if (value === undefined)
      throw new ShapeError(
        'keras/inputs',
        `layer ${layer.name}: expected ${entries.length} inputs, got ${inputs.length}`,
      );
    return value;
  });
  const [output] = outputs;
  if (output === undefined || outputs.length > 1)
    throw new ShapeError('keras/outputs', `layer ${layer.name}: expected one output, got ${outputs.length}`);
  return output;
}

const InputConfig = z.object({
  batch_input_shape: z.array(z.int().nullable()).optional(),
  batch_shape: z.array(z.int().nullable()).optional(),
});

/** [C, H, W] or [C] of an InputLayer. */
function inputDims(layer: LayerConfig, size: number | undefined, where: string): readonly number[] {
  const config = parse(InputConfig, layer.config, `${where}: layer ${layer.name}`);
  const shape = (config.batch_input_shape ?? config.batch_shape ?? []).slice(1);
  const [height, width, channels] = shape;
  if (shape.length === 1 && typeof height === 'number') return [height];
  if (shape.length !== 3 || typeof channels !== 'number')
    throw new ShapeError(
      'keras/input',
      `${where}: layer ${layer.name}: expected images [H, W, C], got [${shape.map((d) => d ?? 'free').join(', ')}]`,
    );
  const h = size ?? height;
  const w = size ?? width;
  if (typeof h !== 'number' || typeof w !== 'number')
    throw new UsageError(
      'keras/size',
      `${where}: expected an input of fixed size, got a free one`,
      'Say the size, in pixels.',
    );
  return [channels, h, w];
}
