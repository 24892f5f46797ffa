/** The JSON of a Keras model: layers, their connections and their configuration. */
import { z } from 'zod';
import { ModelError } from '../../../core/errors.ts';

/** One use of a layer: the layers, and which of their uses, that it takes its inputs from. */
const Inbound = z.array(z.tuple([z.string(), z.number(), z.number()], z.unknown()));

const LayerSchema = z.object({
  class_name: z.string(),
  name: z.string().optional(),
  config: z.unknown(),
  inbound_nodes: z.array(Inbound).default([]),
});
const Named = z.object({ name: z.string() });
const EndPoints = z.array(z.tuple([z.string(), z.number(), z.number()]));
const FunctionalConfig = z.object({
  name: z.string().default('model'),
  layers: z.array(LayerSchema),
  input_layers: EndPoints,
  output_layers: EndPoints,
});
const SequentialConfig = z.union([
  z.array(LayerSchema).transform((layers) => ({ layers })),
  z.object({ layers: z.array(LayerSchema) }),
]);

/** A layer, and one entry of `uses` per call of it. */
export interface LayerConfig {
  readonly type: string;
  readonly name: string;
  readonly config: unknown;
  readonly uses: readonly (readonly Source[])[];
}

/** The result of the `use`-th call of a layer. */
export interface Source {
  readonly layer: string;
  readonly use: number;
}

export interface Network {
  readonly layers: readonly LayerConfig[];
  readonly inputs: readonly Source[];
  readonly outputs: readonly Source[];
}

/** Class names of networks, which may also be layers of another. */
export const NETWORKS: readonly string[] = ['Model', 'Functional', 'Sequential'];

/**
 * Reads the configuration of a network.
 *
 * @param type `Model`, `Functional` or `Sequential`
 * @param where how messages name it
 * @throws {ModelError} a structure that is none of Keras 2
 */
export function readNetwork(type: string, config: unknown, where: string): Network {
  if (type === 'Sequential') return chain(parse(SequentialConfig, config, where).layers.map(readLayer));
  const { layers, input_layers, output_layers } = parse(FunctionalConfig, config, where);
  return {
    layers: layers.map(readLayer),
    inputs: input_layers.map(readSource),
    outputs: output_layers.map(readSource),
  };
}

/** Checks a piece of configuration. @throws {ModelError} naming the layer and the wrong property */
export function parse<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new ModelError(
    'keras/config',
    `${where}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a Keras configuration'}`,
    'Models saved by Keras 2 or TensorFlow.js ("layers model") are supported.',
  );
}

function readLayer(layer: z.output<typeof LayerSchema>): LayerConfig {
  const named = Named.safeParse(layer.config);
  const name = layer.name ?? (named.success ? named.data.name : layer.class_name);
  return {
    type: layer.class_name,
    name,
    config: layer.config,
    uses: layer.inbound_nodes.map((inputs) => inputs.map(readSource)),
  };
}

function readSource([layer, use]: readonly [string, number, ...unknown[]]): Source {
  return { layer, use };
}

/** Layers in a row. The first may be an InputLayer, or any layer whose `batch_input_shape` says what comes in. */
function chain(layers: readonly LayerConfig[]): Network {
  const first = layers[0];
  if (first === undefined) return { layers, inputs: [], outputs: [] };
  const entry: LayerConfig =
    first.type === 'InputLayer'
      ? first
      : { type: 'InputLayer', name: `${first.name}_input`, config: first.config, uses: [] };
  const all = first === entry ? layers : [entry, ...layers];
  const linked = all.map((layer, i): LayerConfig => {
    const before = all[i - 1];
    return { ...layer, uses: before === undefined ? [] : [[{ layer: before.name, use: 0 }]] };
  });
  const last = linked[linked.length - 1]!;
  return { layers: linked, inputs: [{ layer: entry.name, use: 0 }], outputs: [{ layer: last.name, use: 0 }] };
}
