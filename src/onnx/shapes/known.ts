/** Shapes as far as they are known before a graph runs, where some sizes are free and some operators unknown. */
import type { DataType, Graph, ValueInfo } from '../model.ts';
import { inferWhereKnown, type TensorInfos } from './infer.ts';

/** What can be said of tensors for all sizes of the inputs' free dimensions. */
export interface KnownShapes {
  /** Undefined where an operator in between has no shape rule, or the shape follows from values. */
  rank(name: string): number | undefined;
  /** Sizes from the third axis on; undefined also where one of them follows from a free size. */
  spatial(name: string): readonly number[] | undefined;
  dtype(name: string): DataType | undefined;
}

/** Two choices of free sizes, first axes and others: what is the same in both does not depend on them. */
const TRIALS = [
  [1, 37],
  [2, 41],
] as const;

/** Works out what is known; never throws for what is not. */
export function knownShapes(graph: Graph): KnownShapes {
  const trials = TRIALS.map(([first, other]) => trial(graph, first, other));
  const [a, b] = trials;
  return {
    rank: (name) => (a?.get(name) ?? b?.get(name))?.dims.length,
    spatial: (name) => {
      const [one, two] = [a?.get(name)?.dims.slice(2), b?.get(name)?.dims.slice(2)];
      return one !== undefined && one.join() === two?.join() ? one : undefined;
    },
    dtype: (name) => (a?.get(name) ?? b?.get(name))?.dtype,
  };
}

function trial(graph: Graph, first: number, other: number): TensorInfos {
  const fill = (v: ValueInfo): number[] =>
    v.dims.map((d, axis) => (typeof d === 'number' ? d : axis === 0 ? first : other));
  // An input that is an initializer too has the initializer's shape.
  const free = graph.inputs.filter((v) => !graph.initializers.has(v.name));
  return inferWhereKnown(graph, Object.fromEntries(free.map((v) => [v.name, fill(v)])));
}
