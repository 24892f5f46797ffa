/** What is asked of a model, in full and checked. */
import { UsageError } from '../core/errors.ts';
import type { DataType, Graph, ValueInfo } from '../onnx/model.ts';
import { weightNames } from './weights.ts';

/** Name of the output that holds ∂loss/∂x. */
export const gradientName = (x: string): string => `grad:${x}`;

/** @throws {UsageError} the loss is no output that a node makes, or not float32 */
export function checkLoss({ nodes, outputs }: Graph, loss: string): void {
  const names = outputs.map((o) => o.name).join(', ');
  const output = outputs.find((o) => o.name === loss);
  if (output === undefined)
    throw new UsageError('autodiff/loss', `loss: expected an output of the model (${names}), got ${loss}`);
  if (output.dtype !== 'float32' || !nodes.some((n) => n.outputs.includes(loss)))
    throw new UsageError('autodiff/loss', `loss ${loss}: expected a float32 tensor that a node makes, got another`);
}

/** The outputs to keep, all by default. @throws {UsageError} a name that is none, or is there twice */
export function keptOutputs({ outputs }: Graph, keep: readonly string[] | undefined): ValueInfo[] {
  if (keep === undefined) return [...outputs];
  unique('keep', keep);
  return keep.map((name) => {
    const output = outputs.find((o) => o.name === name);
    if (output !== undefined) return output;
    const names = outputs.map((o) => o.name).join(', ');
    throw new UsageError('autodiff/keep', `keep: expected outputs of the model (${names}), got ${name}`);
  });
}

/** What to differentiate by; see `DifferentiateOptions`. */
export type Wanted = readonly string[] | 'all-weights' | 'all-inputs';

/** The names to differentiate by, in full. @throws {UsageError} names that are none, are there twice, or of whole numbers */
export function wantedNames(graph: Graph, loss: string, wrt: Wanted): readonly string[] {
  const floats = graph.inputs.filter((v) => isFloat(v.dtype)).map((v) => v.name);
  const names = wrt === 'all-weights' ? weightNames(graph, loss) : wrt === 'all-inputs' ? floats : wrt;
  if (names.length === 0)
    throw new UsageError(
      'autodiff/wrt',
      `wrt: expected names of tensors, got ${typeof wrt === 'string' ? `${wrt} of a model that has none` : 'none'}`,
    );
  unique('wrt', names);
  const types = new Map<string, DataType>([
    ...graph.inputs.map((v) => [v.name, v.dtype] as const),
    ...[...graph.initializers].map(([name, { dtype }]) => [name, dtype] as const),
  ]);
  const made = new Set(graph.nodes.flatMap((n) => n.outputs));
  for (const name of names) {
    const dtype = types.get(name);
    if (dtype === undefined && !made.has(name))
      throw new UsageError(
        'autodiff/wrt',
        `wrt: expected a tensor of the model, got ${name}`,
        `Inputs: ${floats.join(', ') || 'none of a float type'}. Weights: ${some(weightNames(graph, loss))}.`,
      );
    if (dtype !== undefined) checkFloat(name, dtype);
    const taken = gradientName(name);
    if (types.has(taken) || made.has(taken))
      throw new UsageError('autodiff/name', `wrt ${name}: the model has a tensor ${taken} already`);
  }
  return names;
}

/** @throws {UsageError} whole numbers have no gradient */
export function checkFloat(name: string, dtype: DataType): void {
  if (!isFloat(dtype))
    throw new UsageError('autodiff/wrt', `wrt ${name}: expected a tensor of a float type, got ${dtype}`);
}

/** @throws {UsageError} a name that is there twice */
export function unique(what: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new UsageError('autodiff/twice', `${what}: expected every name once, got ${twice} twice`);
}

const some = (names: readonly string[]): string =>
  names.length === 0
    ? 'none'
    : names.slice(0, 12).join(', ') + (names.length > 12 ? `, and ${names.length - 12} more` : '');

const isFloat = (dtype: DataType): boolean => dtype.startsWith('float');
