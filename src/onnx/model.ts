/**
 * An ONNX model as plain data. Graphs are edited by building new arrays of nodes; nothing here has hidden state.
 * Operator and attribute names are ONNX's, verbatim.
 */

/** Element types that nevus reads and writes. */
export type DataType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

/** The typed array of each element type. float16 is held as its bits, bool as 0 and 1. */
export interface TypedArrays {
  float32: Float32Array;
  float64: Float64Array;
  float16: Uint16Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int16: Int16Array;
  int8: Int8Array;
  uint64: BigUint64Array;
  uint32: Uint32Array;
  uint16: Uint16Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** A dense tensor in row-major order. */
export type Tensor = {
  [T in DataType]: { readonly dtype: T; readonly dims: readonly number[]; readonly data: TypedArrays[T] };
}[DataType];

export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Tensor };

export type Attributes = Readonly<Record<string, Attribute>>;

/** One operator call. An empty string in `inputs` or `outputs` is an optional one left out. */
export interface Node {
  readonly op: string;
  /** '' is the standard `ai.onnx`. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
}

/** A number, or the name of a size that is free (`N`, `H`). */
export type Dim = number | string;

/** Name, element type and shape of a graph input or output. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly Dim[];
  /** A sequence of such tensors. Only `no-copy.ts` has one, and nothing reads it. */
  readonly sequence?: true;
}

/** A graph in topological order. */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Constants by name. A name in both `inputs` and `initializers` is an input with a default. */
  readonly initializers: ReadonlyMap<string, Tensor>;
}

export interface Model {
  readonly graph: Graph;
  /** Version of the standard operator set. */
  readonly opset: number;
  /** Versions of other operator domains, such as `com.microsoft`. */
  readonly domains: Readonly<Record<string, number>>;
  readonly irVersion: number;
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export const int = (value: number): Attribute => ({ kind: 'int', value });
/** A float32, as it is in a file: what is computed from it is the same before and after it was written. */
export const float = (value: number): Attribute => ({ kind: 'float', value: Math.fround(value) });
export const string = (value: string): Attribute => ({ kind: 'string', value });
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });

/** The integer attribute of that name, or the default. */
export function intOf(node: Node, name: string, otherwise: number): number {
  const a = node.attributes[name];
  return a?.kind === 'int' ? a.value : otherwise;
}

/** The float attribute of that name, or the default. */
export function floatOf(node: Node, name: string, otherwise: number): number {
  const a = node.attributes[name];
  return a?.kind === 'float' ? a.value : otherwise;
}

/** The string attribute of that name, or the default. */
export function stringOf(node: Node, name: string, otherwise: string): string {
  const a = node.attributes[name];
  return a?.kind === 'string' ? a.value : otherwise;
}

/** The integer-list attribute of that name, or the default. */
export function intsOf<D>(node: Node, name: string, otherwise: D): readonly number[] | D {
  const a = node.attributes[name];
  return a?.kind === 'ints' ? a.value : otherwise;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, d) => product * d, 1);
}

export const float32 = (data: Float32Array | readonly number[], dims: readonly number[]): Tensor => ({
  dtype: 'float32',
  dims,
  data: data instanceof Float32Array ? data : Float32Array.from(data),
});

export const int64 = (data: readonly number[], dims: readonly number[] = [data.length]): Tensor => ({
  dtype: 'int64',
  dims,
  data: BigInt64Array.from(data, BigInt),
});

/** A float32 tensor without dimensions. */
export const scalar = (value: number): Tensor => float32([value], []);
