/** The values of scripts/golden/keras_applications.py. */
import { readFileSync } from 'node:fs';
import type { StoredLayer } from '../../src/backbone/importers/keras/stored.ts';
import { formulaValues } from '../autodiff/golden-values.ts';

type Weight = readonly [name: string, dims: readonly number[], low: number, high: number];

export interface KerasGolden {
  readonly seed: number;
  readonly size: number;
  /** Shape of one image's features. */
  readonly dims: readonly number[];
  readonly layers: readonly (readonly [layer: string, weights: readonly Weight[]])[];
  /** Means over the map of every eighth channel, per image. */
  readonly features: readonly (readonly number[])[];
  /** Norm and samples, by layer and weight. */
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

export function kerasGolden(name: string): KerasGolden {
  const url = new URL(`../golden/keras_applications/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8'));
}

/** The layers of a weights file of Keras whose values are made by the formula. */
export function storedLayers({ layers, seed }: KerasGolden): StoredLayer[] {
  return layers.map(([layer, weights]) => ({
    name: layer,
    nested: false,
    weights: weights.map(([name, dims, low, high]) => ({
      name: `${layer}/${name}:0`,
      dims,
      read: () => Float32Array.from(formulaValues(`${layer}/${name}`, seed, dims, low, high).data),
    })),
  }));
}
