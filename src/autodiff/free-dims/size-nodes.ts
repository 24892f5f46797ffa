import type { GraphBuilder } from '../../onnx/builder.ts';
import { codeOf, zeros } from '../../onnx/data-types.ts';
import { type DataType, int, type Tensor } from '../../onnx/model.ts';
import type { Power, Term } from './fit.ts';

/** Where a free size is read from: an axis of an input. */
export interface SizeSource {
  readonly input: string;
  readonly axis: number;
}

/** Writes numbers that depend on free sizes as nodes. Equal ones are made once. */
export interface SizeNodes {
  /** A vector of whole numbers, int64. */
  vector(elements: readonly (readonly Term[])[]): string;
  /** One float32 number, of the given shape of one element. */
  power(power: Power, dims: readonly number[]): string;
  /** A tensor of one repeated value. */
  filled(dims: readonly (readonly Term[])[], value: Tensor): string;
  /** start, start + step, … as `count` of them. */
  range(start: number, step: number, count: readonly Term[]): string;
}

export function sizeNodes(builder: GraphBuilder, sources: readonly SizeSource[]): SizeNodes {
  const made = new Map<string, string>();
  const once = (key: unknown, make: () => string): string => {
    const text = JSON.stringify(key);
    const name = made.get(text) ?? make();
    made.set(text, name);
    return name;
  };
  const node = (op: string, inputs: readonly string[], attributes = {}): string =>
    builder.add(op, inputs, attributes, { name: 'size' });
  /** A free size as a vector of one. */
  const size = (i: number): string =>
    once(['size', i], () => {
      const { input, axis } = sources[i]!;
      return node('Shape', [input], { start: int(axis), end: int(axis + 1) });
    });
  const term = ({ factor, sizes }: Term): string =>
    once(['term', factor, sizes], () => {
      const factors = sources.flatMap((_, i) => ((sizes >> i) & 1 ? [size(i)] : []));
      if (factor !== 1 || factors.length === 0) factors.push(builder.ints([factor]));
      return factors.reduce((a, b) => node('Mul', [a, b]));
    });
  const element = (terms: readonly Term[]): string =>
    once(['element', terms], () =>
      terms.length === 0 ? builder.ints([0]) : terms.map(term).reduce((a, b) => node('Add', [a, b])),
    );
  const vector = (elements: readonly (readonly Term[])[]): string =>
    once(['vector', elements], () => {
      const parts = elements.map(element);
      return parts.length === 1 ? parts[0]! : node('Concat', parts, { axis: int(0) });
    });
  const cast = (x: string, type: DataType): string => node('Cast', [x], { to: int(codeOf(type)) });
  const scalar = (x: string): string => node('Reshape', [x, builder.ints([])]);
  return {
    vector,
    power: ({ factor, powers }, dims) =>
      once(['power', factor, powers, dims], () => {
        const factors = powers.flatMap((power, i) => {
          if (power === 0) return [];
          const value = cast(size(i), 'float32');
          return [power === 1 ? value : node('Pow', [value, builder.floats([power])])];
        });
        const product = [...factors, builder.floats([factor])].reduce((a, b) => node('Mul', [a, b]));
        return node('Reshape', [product, builder.ints(dims)]);
      }),
    filled: (dims, value) =>
      once(['filled', dims, value.dtype, String(value.data[0])], () =>
        node('ConstantOfShape', [vector(dims)], { value: { kind: 'tensor', value } }),
      ),
    range: (start, step, count) =>
      once(['range', start, step, count], () => {
        const end = count.map((t) => ({ ...t, factor: t.factor * step }));
        const ends = [...end, { factor: start, sizes: 0 }];
        return node('Range', [scalar(builder.ints([start])), scalar(element(ends)), scalar(builder.ints([step]))]);
      }),
  };
}

/** A tensor of one element: the first of another. */
export function firstOf(tensor: Tensor): Tensor {
  const one = zeros(tensor.dtype, [1]);
  const [value] = tensor.data;
  if (one.dtype === 'int64' || one.dtype === 'uint64') one.data[0] = BigInt(value ?? 0);
  else one.data[0] = Number(value ?? 0);
  return one;
}
