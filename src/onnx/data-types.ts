import { TensorProto_DataType as T } from 'onnx-buf';
import { ModelError } from '../core/errors.ts';
import type { DataType, Tensor } from './model.ts';

interface Format {
  readonly code: T;
  /** Bytes of one element. */
  readonly bytes: number;
  /** A tensor over a buffer that starts on a multiple of 8 bytes. */
  readonly over: (buffer: ArrayBuffer, dims: readonly number[]) => Tensor;
}

/** One row per element type: its number in ONNX files, its width, its typed array. */
const FORMATS: Readonly<Record<DataType, Format>> = {
  float32: {
    code: T.FLOAT,
    bytes: 4,
    over: (b, dims) => ({ dtype: 'float32', dims, data: new Float32Array(b) }),
  },
  float64: {
    code: T.DOUBLE,
    bytes: 8,
    over: (b, dims) => ({ dtype: 'float64', dims, data: new Float64Array(b) }),
  },
  float16: {
    code: T.FLOAT16,
    bytes: 2,
    over: (b, dims) => ({ dtype: 'float16', dims, data: new Uint16Array(b) }),
  },
  int64: {
    code: T.INT64,
    bytes: 8,
    over: (b, dims) => ({ dtype: 'int64', dims, data: new BigInt64Array(b) }),
  },
  int32: { code: T.INT32, bytes: 4, over: (b, dims) => ({ dtype: 'int32', dims, data: new Int32Array(b) }) },
  int16: { code: T.INT16, bytes: 2, over: (b, dims) => ({ dtype: 'int16', dims, data: new Int16Array(b) }) },
  int8: { code: T.INT8, bytes: 1, over: (b, dims) => ({ dtype: 'int8', dims, data: new Int8Array(b) }) },
  uint64: {
    code: T.UINT64,
    bytes: 8,
    over: (b, dims) => ({ dtype: 'uint64', dims, data: new BigUint64Array(b) }),
  },
  uint32: {
    code: T.UINT32,
    bytes: 4,
    over: (b, dims) => ({ dtype: 'uint32', dims, data: new Uint32Array(b) }),
  },
  uint16: {
    code: T.UINT16,
    bytes: 2,
    over: (b, dims) => ({ dtype: 'uint16', dims, data: new Uint16Array(b) }),
  },
  uint8: { code: T.UINT8, bytes: 1, over: (b, dims) => ({ dtype: 'uint8', dims, data: new Uint8Array(b) }) },
  bool: { code: T.BOOL, bytes: 1, over: (b, dims) => ({ dtype: 'bool', dims, data: new Uint8Array(b) }) },
};

const NAMES = Object.keys(FORMATS) as readonly DataType[];

/** The number that ONNX files use for an element type. */
export function codeOf(dtype: DataType): T {
  return FORMATS[dtype].code;
}

/** The element type of an ONNX number. @throws {ModelError} for types that nevus does not read, such as strings */
export function dataTypeOf(code: number, where: string): DataType {
  const name = NAMES.find((n) => FORMATS[n].code === code);
  if (name === undefined)
    throw new ModelError('onnx/type', `${where}: element type ${T[code] ?? code} is not supported`);
  return name;
}

/** Bytes of one element. */
export function bytesOf(dtype: DataType): number {
  return FORMATS[dtype].bytes;
}

/** A tensor over a buffer of its own. The buffer's length must be exact. */
export function tensorOver(dtype: DataType, buffer: ArrayBuffer, dims: readonly number[]): Tensor {
  return FORMATS[dtype].over(buffer, dims);
}

/** A tensor of zeros. */
export function zeros(dtype: DataType, dims: readonly number[]): Tensor {
  return tensorOver(dtype, new ArrayBuffer(dims.reduce((p, d) => p * d, 1) * bytesOf(dtype)), dims);
}
