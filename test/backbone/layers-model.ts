import { importKeras, type KerasModel, type KerasOptions } from '../../src/backbone/importers/keras.ts';
import { rngOf } from '../../src/core/rng.ts';

export interface TestLayer {
  readonly type: string;
  readonly name: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** Names of the layers it reads. */
  readonly from?: readonly string[];
}

export interface TestWeight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A functional model's configuration. */
export function functional(layers: readonly TestLayer[], input: string, output: string): Record<string, unknown> {
  return {
    name: 'model',
    layers: layers.map(({ type, name, config, from }) => ({
      class_name: type,
      name,
      config: { name, ...config },
      inbound_nodes: from === undefined ? [] : [from.map((f) => [f, 0, 0, {}])],
    })),
    input_layers: [[input, 0, 0]],
    output_layers: [[output, 0, 0]],
  };
}

/** Imports a model whose weights are float32. */
export function importLayers(
  config: unknown,
  weights: Readonly<Record<string, TestWeight>>,
  options: KerasOptions & { readonly type?: string } = {},
): KerasModel {
  const json = {
    modelTopology: { model_config: { class_name: options.type ?? 'Model', config } },
    weightsManifest: [
      {
        paths: ['all'],
        weights: Object.entries(weights).map(([name, w]) => ({ name, shape: w.shape, dtype: 'float32' })),
      },
    ],
  };
  const bytes = Buffer.concat(Object.values(weights).map((w) => Buffer.from(w.data.buffer)));
  return importKeras(json, () => bytes, options);
}

/** Seeded normal values; positive ones for variances. */
export function randomWeight(seed: number, shape: readonly number[], positive = false): TestWeight {
  const rng = rngOf(seed, 'weight', shape.join());
  const size = shape.reduce((p, d) => p * d, 1);
  return {
    shape,
    data: Float32Array.from({ length: size }, () => (positive ? Math.abs(rng.normal()) + 0.1 : rng.normal())),
  };
}
