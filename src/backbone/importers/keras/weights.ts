/** The weights of a TensorFlow.js "layers model": a manifest of tensors over one run of bytes. */
import { z } from 'zod';
import { ModelError } from '../../../core/errors.ts';
import { halfToNumber } from '../../../core/half.ts';
import { sizeOf } from '../../../onnx/model.ts';
import { parse } from './topology.ts';

const Entry = z.object({
  name: z.string(),
  shape: z.array(z.int().min(0)),
  dtype: z.enum(['float32', 'int32', 'uint8', 'bool']),
  quantization: z
    .object({
      dtype: z.enum(['uint8', 'uint16', 'float16']),
      min: z.number().default(0),
      scale: z.number().default(1),
    })
    .optional(),
});
const Manifest = z.array(z.object({ paths: z.array(z.string()), weights: z.array(Entry) }));

/** A weight as Keras lays it out, such as HWIO for the kernel of a convolution. */
export interface Weight {
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
  /** What it is called where it was read, if that is not its own name. */
  readonly from?: string;
}

/** Finds a weight of a layer: `weights('conv2d_1', 'kernel')`; undefined where there is none. */
export type Weights = (layer: string, weight: string) => Weight | undefined;

/**
 * Decodes every weight of a manifest. Quantised ones are restored as `v = q · scale + min`.
 *
 * @param manifest `weightsManifest` of a model.json
 * @param shard bytes of one of the manifest's `paths`
 * @throws {ModelError} a manifest of another shape, or bytes that do not match it
 */
export function readWeights(manifest: unknown, shard: (path: string) => Uint8Array, where: string): Weights {
  const found = new Map<string, Weight>();
  /** By the last parts of longer names; undefined where two are the same, as of networks that are layers of one. */
  const endings = new Map<string, Weight | undefined>();
  for (const group of parse(Manifest, manifest, `${where}: weightsManifest`)) {
    const bytes = Buffer.concat(group.paths.map(shard));
    let at = 0;
    for (const entry of group.weights) {
      const stored = entry.quantization?.dtype ?? entry.dtype;
      const size = sizeOf(entry.shape);
      const end = at + size * WIDTH[stored];
      if (end > bytes.length)
        throw new ModelError(
          'keras/weights',
          `${where}: weight ${entry.name}: expected ${end} bytes of weights, got ${bytes.length}`,
        );
      // A copy, so that the typed array starts where its element type asks.
      const values = restore(stored, new Uint8Array(bytes.subarray(at, end)).buffer);
      const { scale, min } =
        entry.quantization === undefined || stored === 'float16' ? { scale: 1, min: 0 } : entry.quantization;
      const data = Float32Array.from(values, (q) => q * scale + min);
      const weight = { dims: entry.shape, data };
      const [name, ...ends] = keysOf(entry.name, where);
      found.set(name, weight);
      for (const end of ends) endings.set(end, endings.has(end) ? undefined : weight);
      at = end;
    }
    if (at !== bytes.length)
      throw new ModelError('keras/weights', `${where}: expected ${at} bytes of weights, got ${bytes.length}`);
  }
  return (layer, weight) => {
    const key = `${layer}/${weight}`;
    const exact = found.get(key);
    if (exact !== undefined || !endings.has(key)) return exact;
    const ending = endings.get(key);
    if (ending !== undefined) return ending;
    throw new ModelError('keras/weights', `${where}: expected one weight ${key}, got several whose names end so`);
  };
}

const WIDTH = { float32: 4, int32: 4, uint8: 1, bool: 1, uint16: 2, float16: 2 } as const;

function restore(stored: keyof typeof WIDTH, buffer: ArrayBuffer): ArrayLike<number> {
  switch (stored) {
    case 'float32':
      return new Float32Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'uint16':
      return new Uint16Array(buffer);
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer), halfToNumber);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer);
  }
}

/** `a/b/kernel:0` → `a/b/kernel`, `b/kernel`: a scope may come before a layer's name, which may hold slashes itself. */
function keysOf(name: string, where: string): readonly [string, ...string[]] {
  const parts = name.replace(/:\d+$/, '').split('/');
  if (parts.length < 2)
    throw new ModelError('keras/weights', `${where}: expected weight names such as "conv2d_1/kernel", got "${name}"`);
  const ends = Array.from({ length: parts.length - 2 }, (_, i) => parts.slice(i + 1).join('/'));
  return [parts.join('/'), ...ends];
}
