/** A model that runs again and again on what it made of its own inputs, such as weights in a training step. */

import { messageOf } from '../core/errors.ts';
import { graphBuilder } from './builder.ts';
import { zeros } from './data-types.ts';
import { float32, type Model, sizeOf, type Tensor, type ValueInfo } from './model.ts';
import { NO_COPY, noCopyMessage, withoutCopies } from './no-copy.ts';
import { openRuntime, type Runtime, type RuntimeOptions, type Values } from './runtime.ts';
import { inputsOf, openSession, resultsOf } from './session.ts';

/** The model, and what goes round. Running blocks the thread until it is done. */
export interface Loop {
  /**
   * Runs once on what is carried now. What the run made of it is kept aside until `advance`.
   *
   * @param feeds the inputs that are not carried
   * @param variant which model, counted from the first. Default 0
   * @returns the outputs that are not carried
   * @throws {ModelError} if onnxruntime refuses, with its message
   */
  run(feeds: Readonly<Record<string, Tensor>>, variant?: number): Promise<Record<string, Tensor>>;
  /** What the last run made becomes what is carried; what its model does not make stays. */
  advance(): void;
  /** What is carried now, by the name of the input. The tensors hold until the run after the next. */
  read(): Promise<ReadonlyMap<string, Tensor>>;
  close(): Promise<void>;
}

/** One thing that goes round: float32 of a fixed shape. */
export interface Carried {
  readonly input: string;
  readonly output: string;
  readonly dims: readonly number[];
  /** Where it starts; it is copied. */
  readonly start: Float32Array;
}

/**
 * Several models may work on what is carried in turn, each taking and making a part of it.
 *
 * On `webgpu` what is carried stays in the memory of the device. The binding of onnxruntime for Node hands out and takes
 * tensors there for that provider only: on the others they come to the processor's memory and go back at every run.
 *
 * @throws {ModelError} onnxruntime cannot load the model
 * @throws {EnvironmentError} the device does not work here
 */
export function openLoop(
  models: Model | readonly Model[],
  carried: readonly Carried[],
  options: RuntimeOptions,
): Promise<Loop> {
  const variants = 'graph' in models ? [models] : models;
  const open = options.device === 'webgpu' ? openResident : openBuffered;
  return open(
    variants.map((model) => variantOf(model, carried)),
    carried,
    options,
  );
}

/** A model, and the part of what is carried that it takes and makes. */
interface Variant {
  readonly model: Model;
  readonly takes: readonly Carried[];
  readonly makes: readonly Carried[];
  /** Outputs that are not carried. */
  readonly free: readonly string[];
}

function variantOf(model: Model, carried: readonly Carried[]): Variant {
  const [inputs, outputs] = [model.graph.inputs, model.graph.outputs].map((v) => new Set(v.map(({ name }) => name)));
  const makes = carried.filter(({ output }) => outputs!.has(output));
  const taken = new Set(makes.map(({ output }) => output));
  return {
    model,
    takes: carried.filter(({ input }) => inputs!.has(input)),
    makes,
    free: [...outputs!].filter((name) => !taken.has(name)),
  };
}

/** Two sets of buffers: a run reads one and writes the other, so that no kernel sees half of a change. */
async function openBuffered(
  variants: readonly Variant[],
  carried: readonly Carried[],
  options: RuntimeOptions,
): Promise<Loop> {
  const runs = await Promise.all(variants.map((variant) => openRun(variant, options)));
  const current = new Map(carried.map(({ input, start, dims }) => [input, float32(start.slice(), dims)]));
  const next = new Map(carried.map(({ input, dims }) => [input, float32(new Float32Array(sizeOf(dims)), dims)]));
  let made: readonly Carried[] = [];
  return {
    run: (feeds, variant = 0) => {
      const { takes, makes } = variants[variant]!;
      made = makes;
      return runs[variant]!.run(
        { ...feeds, ...Object.fromEntries(takes.map(({ input }) => [input, current.get(input)!])) },
        Object.fromEntries(makes.map(({ input, output }) => [output, next.get(input)!])),
      );
    },
    advance: () => {
      for (const { input } of made) {
        const [old, fresh] = [current.get(input)!, next.get(input)!];
        current.set(input, fresh);
        next.set(input, old);
      }
      made = [];
    },
    read: async () => new Map(current),
    close: async () => {
      for (const { close } of runs) await close();
    },
  };
}

type Tensors = Record<string, Tensor>;

/** A variant ready to run: `into` is written, what is free is returned. */
interface Run {
  readonly run: (feeds: Readonly<Tensors>, into: Readonly<Tensors>) => Promise<Tensors>;
  readonly close: () => Promise<void>;
}

async function openRun({ model, free }: Variant, options: RuntimeOptions): Promise<Run> {
  // Only on the processor do kernels write where the outputs shall be, and only there is the copy worth avoiding.
  const over = (options.device ?? 'cpu') === 'cpu' ? await noCopyMessage() : undefined;
  const infos = model.graph.outputs.filter(({ name }) => free.includes(name));
  const fixed = infos.flatMap(({ name, dtype, dims }) => {
    const sizes = dims.filter((d) => typeof d === 'number');
    return sizes.length === dims.length ? [{ name, dtype, dims: sizes }] : [];
  });
  if (over === undefined || fixed.length < infos.length) {
    const session = await openSession(model, options);
    return {
      run: async (feeds, into) => {
        const asked = Object.fromEntries(free.map((name) => [name, null]));
        const results = await session.run(feeds, { ...asked, ...into });
        return Object.fromEntries(free.map((name) => [name, results[name]!]));
      },
      close: session.close,
    };
  }
  const session = await openSession(withoutCopies(model), options);
  return {
    run: async (feeds, into) => {
      const results = Object.fromEntries(fixed.map(({ name, dtype, dims }) => [name, zeros(dtype, dims)]));
      try {
        await session.run(feeds, { [NO_COPY]: null, ...results, ...into });
      } catch (error) {
        if (messageOf(error) !== over) throw error;
      }
      return results;
    },
    close: session.close,
  };
}

async function openResident(
  variants: readonly Variant[],
  carried: readonly Carried[],
  options: RuntimeOptions,
): Promise<Loop> {
  const runtimes: Runtime[] = [];
  for (const { model, makes } of variants) {
    const stays = makes.map((c) => c.output);
    runtimes.push(await openRuntime(model, options, stays));
  }
  const [first] = runtimes;
  let reader: Runtime | undefined;
  let current: Values = Object.fromEntries(
    carried.map(({ input, start, dims }) => [input, first!.toOrt(input, float32(start.slice(), dims))]),
  );
  let next: Values = {};
  return {
    run: async (feeds, variant = 0) => {
      for (const value of Object.values(next)) value.dispose();
      next = {};
      const { takes, makes, free } = variants[variant]!;
      const runtime = runtimes[variant]!;
      const results = await runtime.run({
        ...inputsOf(runtime, feeds),
        ...Object.fromEntries(takes.map(({ input }) => [input, current[input]!])),
      });
      next = Object.fromEntries(makes.map(({ input, output }) => [input, results[output]!]));
      return resultsOf(runtime, Object.fromEntries(free.map((name) => [name, results[name]!])));
    },
    advance: () => {
      for (const input of Object.keys(next)) current[input]!.dispose();
      current = { ...current, ...next };
      next = {};
    },
    read: async () => {
      // The binding cannot fetch a tensor from the device, but a model can whose outputs are its inputs.
      reader ??= await openRuntime(copyModel(carried), { device: 'webgpu' });
      const copies = await reader.run(current);
      return new Map(carried.map(({ input, output }) => [input, first!.fromOrt(output, copies[output]!)]));
    },
    close: async () => {
      for (const value of [...Object.values(current), ...Object.values(next)]) value.dispose();
      [current, next] = [{}, {}];
      await reader?.close();
      for (const runtime of runtimes) await runtime.close();
    },
  };
}

function copyModel(carried: readonly Carried[]): Model {
  const builder = graphBuilder();
  for (const { input, output } of carried) builder.add('Identity', [input], {}, { output });
  const values = (side: 'input' | 'output'): ValueInfo[] =>
    carried.map((c) => ({ name: c[side], dtype: 'float32', dims: c.dims }));
  const graph = builder.graph(values('input'), values('output'));
  return { graph, opset: 17, domains: {}, irVersion: 8, producer: 'nevus', metadata: {} };
}
