/** Tensors as views into stored bytes: element type, shape, strides, offset. */
import { ModelError } from '../../../core/errors.ts';
import { bfloatsToFloats, halfToNumber } from '../../../core/half.ts';
import { sizeOf } from '../../../onnx/model.ts';
import type { StoredTensor } from '../../architectures/state-dict.ts';

interface Format {
  /** Bytes of one element. */
  readonly bytes: number;
  /** Elements of a buffer that begins at the first one, as numbers. */
  readonly read: (buffer: ArrayBuffer) => ArrayLike<number>;
}

/** Element types by name. Numbers are little-endian, as on every machine that runs nevus. */
const FORMATS = {
  float64: { bytes: 8, read: (b) => new Float64Array(b) },
  float32: { bytes: 4, read: (b) => new Float32Array(b) },
  float16: { bytes: 2, read: (b) => Float32Array.from(new Uint16Array(b), halfToNumber) },
  bfloat16: { bytes: 2, read: (b) => bfloatsToFloats(new Uint16Array(b)) },
  int64: { bytes: 8, read: (b) => Array.from(new BigInt64Array(b), Number) },
  int32: { bytes: 4, read: (b) => new Int32Array(b) },
  int16: { bytes: 2, read: (b) => new Int16Array(b) },
  int8: { bytes: 1, read: (b) => new Int8Array(b) },
  uint8: { bytes: 1, read: (b) => new Uint8Array(b) },
  bool: { bytes: 1, read: (b) => new Uint8Array(b) },
} as const satisfies Readonly<Record<string, Format>>;

export type ElementType = keyof typeof FORMATS;

export function widthOf(dtype: ElementType): number {
  return FORMATS[dtype].bytes;
}

export interface View {
  readonly dtype: ElementType;
  readonly dims: readonly number[];
  /** Elements from one index of an axis to the next. */
  readonly strides: readonly number[];
  /** Elements before the first. */
  readonly offset: number;
  /** All elements of the storage, which other tensors may share. */
  readonly storage: Uint8Array;
}

/**
 * A tensor that reads its values from a storage.
 *
 * @param name how messages call it
 * @throws {ModelError} a view that leaves its storage, or has more elements than it
 */
export function storedTensor(view: View, name: string): StoredTensor {
  const { dtype, dims, strides, offset, storage } = view;
  const elements = Math.floor(storage.byteLength / widthOf(dtype));
  const size = sizeOf(dims);
  const last = dims.reduce((sum, d, i) => sum + (d - 1) * (strides[i] ?? Number.NaN), offset);
  const whole = [...dims, ...strides, offset].every((n) => Number.isSafeInteger(n) && n >= 0);
  // Repeated elements (stride 0) are not saved in weights; refusing them bounds the memory that a small file can ask for.
  if (!whole || strides.length !== dims.length || (size > 0 && !(last < elements && size <= elements)))
    throw new ModelError(
      'torch/tensor',
      `${name}: expected a tensor within its ${elements} stored elements, got [${dims.join(', ')}] with strides [${strides.join(', ')}] from ${offset}`,
    );
  return { dims, dtype, values: () => gather(view, size) };
}

function gather({ dtype, dims, strides, offset, storage }: View, size: number): Float32Array {
  const { bytes, read } = FORMATS[dtype];
  if (size === 0) return new Float32Array(0);
  const rowMajor = dims.every((d, i) => d === 1 || strides[i] === sizeOf(dims.slice(i + 1)));
  const from = rowMajor ? offset * bytes : 0;
  const to = rowMajor ? from + size * bytes : storage.byteLength - (storage.byteLength % bytes);
  // A copy, so that the typed array starts where its element type asks.
  const elements = read(new Uint8Array(storage.subarray(from, to)).buffer);
  if (rowMajor) return elements instanceof Float32Array ? elements : Float32Array.from(elements);
  const out = new Float32Array(size);
  const index = dims.map(() => 0);
  let at = offset;
  for (let i = 0; i < size; i++) {
    out[i] = elements[at]!;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += strides[axis]!;
      if (++index[axis]! < dims[axis]!) break;
      at -= strides[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
