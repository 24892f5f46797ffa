/** A network under construction from a state dict: what is written, what is wanted of the weights, what was wrong. */
import { ModelError } from '../../core/errors.ts';
import { type GraphBuilder, graphBuilder } from '../../onnx/builder.ts';
import { float32 } from '../../onnx/model.ts';
import type { StateDict } from './state-dict.ts';

/** A tensor of the graph. */
export interface Value {
  readonly name: string;
  /** Channels of an image [N, C, H, W], or length of the last axis; undefined behind a weight that is missing. */
  readonly channels: number | undefined;
}

export interface Net {
  readonly builder: GraphBuilder;
  readonly state: StateDict;
  /**
   * Asks for a weight under its own name, which it returns.
   *
   * @param dims the shape that is expected; undefined where any size will do
   */
  readonly weight: (name: string, dims: readonly (number | undefined)[]) => string;
  /** Marks a tensor as a place to cut at, under its own name. */
  readonly cut: (value: Value) => Value;
  /** Leaves out weights that are of no use, by the beginning of their names. */
  readonly ignore: (prefix: string) => void;
  /** Notes that the weights do not fit together. */
  readonly problem: (text: string) => void;
  readonly cuts: readonly string[];
  /**
   * Adds the weights that were asked for.
   *
   * @throws {ModelError} if weights are missing, have another shape, or are not of this network; lists them
   */
  readonly finish: (network: string, where: string) => void;
}

export function newNet(state: StateDict): Net {
  const builder = graphBuilder();
  const used = new Set<string>();
  const ignored: string[] = [];
  const missing: string[] = [];
  const misfits: string[] = [];
  const cuts: string[] = [];
  return {
    builder,
    state,
    cuts,
    weight: (name, dims) => {
      if (used.has(name)) return name;
      used.add(name);
      builder.reserve(name);
      const tensor = state.get(name);
      const expected = `[${dims.map((d) => d ?? '?').join(', ')}]`;
      if (tensor === undefined) missing.push(`${name} ${expected}`);
      else if (tensor.dims.length !== dims.length || dims.some((d, i) => d !== undefined && d !== tensor.dims[i]))
        misfits.push(`${name}: expected ${expected}, got [${tensor.dims.join(', ')}]`);
      return name;
    },
    cut: (value) => {
      cuts.push(value.name);
      return value;
    },
    ignore: (prefix) => void ignored.push(prefix),
    problem: (text) => void misfits.push(text),
    finish: (network, where) => {
      const unexpected = [...state.keys()].filter(
        (name) =>
          !used.has(name) &&
          !name.endsWith('.num_batches_tracked') &&
          !ignored.some((prefix) => name.startsWith(prefix)),
      );
      const parts = [
        ...listed(missing, 'missing'),
        ...listed(misfits, 'that do not fit'),
        ...listed(unexpected, 'unexpected'),
      ];
      if (parts.length > 0)
        throw new ModelError(
          'torch/weights',
          `${where}: expected the weights of ${network}, got ${parts.join('; ')}`,
          'Give the file of another network, or name the architecture it has.',
        );
      // Read last, so that a file that does not fit costs little.
      for (const name of used) {
        const tensor = state.get(name);
        if (tensor !== undefined) builder.constant(float32(tensor.values(), tensor.dims), name);
      }
    },
  };
}

const SHOWN = 8;

function listed(items: readonly string[], what: string): string[] {
  if (items.length === 0) return [];
  const more = items.length > SHOWN ? [`and ${items.length - SHOWN} more`] : [];
  return [`${items.length} ${what}: ${[...items.slice(0, SHOWN), ...more].join(', ')}`];
}
