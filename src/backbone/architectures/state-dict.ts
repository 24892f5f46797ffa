/** Weights by name, whatever file they come from. */

/** A tensor of a file, decoded when it is asked for. */
export interface StoredTensor {
  readonly dims: readonly number[];
  /** Element type as the file has it: `float32`, `bfloat16`, `int64`, … */
  readonly dtype: string;
  /** A copy of the values in row-major order, as float32. */
  readonly values: () => Float32Array;
}

/** The weights of a network by the names that PyTorch's modules give them: `layer1.0.conv1.weight`. */
export type StateDict = ReadonlyMap<string, StoredTensor>;

/** How many different numbers follow a prefix: `layer1.` has those of `layer1.0.…`, `layer1.1.…`. */
export function countUnder(state: StateDict, prefix: string): number {
  const numbers = new Set<string>();
  for (const name of state.keys()) {
    if (!name.startsWith(prefix)) continue;
    const number = /^\d+(?=\.)/.exec(name.slice(prefix.length))?.[0];
    if (number !== undefined) numbers.add(number);
  }
  return numbers.size;
}
