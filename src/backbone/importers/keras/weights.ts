/** The weights of a TensorFlow.js "layers model": a manifest of tensors over one run of bytes. */
import { z } from 'zod';
import { ModelError } from '../../../core/errors.ts';
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
      found.set(keyOf(entry.name, where), { dims: entry.shape, data });
      at = end;
    }
    if (at !== bytes.length)
      throw new ModelError('keras/weights', `${where}: expected ${at} bytes of weights, got ${bytes.length}`);
  }
  return (layer, weight) => found.get(`${layer}/${weight}`);
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

/** IEEE 754 binary16: sign · 2^(e−15) · (1 + m/1024), subnormal where e = 0. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/** `scope/conv2d_1/kernel:0` → `conv2d_1/kernel`. */
function keyOf(name: string, where: string): string {
  const parts = name.replace(/:\d+$/, '').split('/');
  const [layer, weight] = parts.slice(-2);
  if (layer === undefined || weight === undefined)
    throw new ModelError('keras/weights', `${where}: expected weight names such as "conv2d_1/kernel", got "${name}"`);
  return `${layer}/${weight}`;
}
