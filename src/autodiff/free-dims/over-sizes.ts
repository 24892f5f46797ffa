import { ShapeError, UsageError } from '../../core/errors.ts';
import type { Graph, ValueInfo } from '../../onnx/model.ts';
import { type Cases, sizesOf } from './fit.ts';
import { type FreeSize, mergeGraphs } from './merge.ts';

/** Shapes by input. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/** More free sizes than these are refused: the number of graphs to compare doubles with each. */
const MOST = 4;

/**
 * Sizes that a graph is tried at: primes, so that two that are equal belong together. A rule may write other nodes for
 * large tensors than for small ones; where one row of sizes lies on both sides of such a limit, the next does not.
 */
const ROWS = [
  [5, 7, 11, 13, 17, 19, 23, 29, 31, 2, 3, 37],
  [41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89],
  [211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271],
];

/**
 * Builds a graph that holds for every size of its inputs' free dimensions, although what builds it knows fixed sizes only:
 * it is built for a few and the differences are found to follow from the sizes, or refused.
 *
 * A free dimension with the same name in two inputs is one size. Where the graph makes no sense otherwise, so are the
 * first dimensions of all inputs: exporters give each its own name.
 *
 * @param inputs inputs whose dimensions may be free
 * @param build the graph for given shapes of the inputs with free dimensions
 * @throws {ShapeError} the graph depends on a free size in a way that cannot be followed; the message names the dimension
 */
export function overSizes(inputs: readonly ValueInfo[], build: (shapes: InputShapes) => Graph): Graph {
  const free = inputs.filter(({ dims }) => dims.some((d) => typeof d === 'string'));
  if (free.length === 0) return build({});
  const named = freeSizes(free, (name) => name);
  if (named.length > MOST) throw refusal(free, `more than ${MOST} free dimensions`);
  const batch = new Set(free.flatMap(({ dims: [d] }) => (typeof d === 'string' ? [d] : [])));
  const [one] = batch;
  const readings =
    batch.size > 1 ? [named, freeSizes(free, (name) => (batch.has(name) && one !== undefined ? one : name))] : [named];
  let problem: ShapeError | undefined;
  for (const reading of readings) {
    for (const row of ROWS) {
      try {
        return overRow(free, reading, row, build);
      } catch (error) {
        if (!(error instanceof ShapeError) || error.code === 'autodiff/loss') throw error;
        problem ??= error;
      }
    }
  }
  throw refusal(free, problem?.message ?? 'none of the sizes tried fits', problem);
}

/** Free sizes and the names that mean them. */
interface Reading extends FreeSize {
  readonly aliases: ReadonlySet<string>;
}

function freeSizes(free: readonly ValueInfo[], nameOf: (name: string) => string): Reading[] {
  const found = new Map<string, { readonly source: Omit<FreeSize, 'name'>; readonly aliases: Set<string> }>();
  for (const { name: input, dims } of free) {
    for (const [axis, dim] of dims.entries()) {
      if (typeof dim !== 'string') continue;
      const known = found.get(nameOf(dim));
      if (known === undefined) found.set(nameOf(dim), { source: { input, axis }, aliases: new Set([dim]) });
      else known.aliases.add(dim);
    }
  }
  return [...found].map(([name, { source, aliases }]) => ({ name, aliases, ...source }));
}

function overRow(
  free: readonly ValueInfo[],
  sizes: readonly Reading[],
  row: readonly number[],
  build: (shapes: InputShapes) => Graph,
): Graph {
  const part = (k: number): number[] => sizes.map((_, i) => row[3 * i + k]!);
  const cases: Cases = { low: part(0), high: part(1), checks: [part(2)] };
  const graphs = sizesOf(cases).map((at) => build(shapesAt(free, sizes, at)));
  return mergeGraphs(graphs, cases, sizes);
}

function shapesAt(free: readonly ValueInfo[], sizes: readonly Reading[], at: readonly number[]): InputShapes {
  const sizeOf = (dim: string): number => at[sizes.findIndex(({ aliases }) => aliases.has(dim))]!;
  return Object.fromEntries(
    free.map(({ name, dims }) => [name, dims.map((d) => (typeof d === 'string' ? sizeOf(d) : d))]),
  );
}

function refusal(free: readonly ValueInfo[], reason: string, cause?: ShapeError): ShapeError {
  const dims = free.flatMap(({ name, dims }) =>
    dims.flatMap((d, axis) => (typeof d === 'string' ? [`dim ${axis} ('${d}') of input '${name}'`] : [])),
  );
  return new ShapeError(
    'autodiff/free-dims',
    `${dims.join(', ')}: expected gradients that hold for every size, got: ${reason}`,
    'Give their sizes: batch and inputShapes, on the command line --batch and --shape.',
    cause === undefined ? undefined : { cause },
  );
}

/**
 * Inputs with the sizes that are given filled in. A free dimension that is given in one input is so wherever its name
 * occurs.
 *
 * @param batch size of first dimensions that are still free then, or undefined to leave them so
 * @throws {UsageError} a shape for no input, or one that does not fit
 */
export function withShapes(inputs: readonly ValueInfo[], shapes: InputShapes, batch: number | undefined): ValueInfo[] {
  if (batch !== undefined && !(Number.isInteger(batch) && batch > 0))
    throw new UsageError('autodiff/shape', `batch: expected a whole number above 0, got ${batch}`);
  const bound = new Map<string, number>();
  for (const [name, shape] of Object.entries(shapes)) {
    const input = inputs.find((v) => v.name === name);
    if (input === undefined)
      throw new UsageError(
        'autodiff/shape',
        `inputShapes: expected names among ${inputs.map((v) => v.name).join(', ')}, got ${name}`,
      );
    const fits =
      shape.length === input.dims.length &&
      shape.every((d, i) => Number.isInteger(d) && d > 0 && (typeof input.dims[i] === 'string' || input.dims[i] === d));
    if (!fits)
      throw new UsageError(
        'autodiff/shape',
        `input ${name}: expected a shape like [${input.dims.join(', ')}], got [${shape.join(', ')}]`,
      );
    for (const [i, dim] of input.dims.entries()) {
      if (typeof dim !== 'string') continue;
      const known = bound.get(dim) ?? shape[i]!;
      if (known !== shape[i])
        throw new UsageError('autodiff/shape', `input ${name}: expected ${dim} = ${known}, got ${shape[i]}`);
      bound.set(dim, known);
    }
  }
  for (const { dims } of inputs) {
    const [first] = dims;
    if (batch !== undefined && typeof first === 'string' && !bound.has(first)) bound.set(first, batch);
  }
  return inputs.map((v) => ({
    ...v,
    dims: shapes[v.name] ?? v.dims.map((d) => (typeof d === 'string' ? (bound.get(d) ?? d) : d)),
  }));
}
