/** A model that runs again and again on what it made of its own inputs, such as weights in a training step. */

import { graphBuilder } from './builder.ts';
import { float32, type Model, sizeOf, type Tensor, type ValueInfo } from './model.ts';
import { openRuntime, type Runtime, type RuntimeOptions, type Values } from './runtime.ts';
import { inputsOf, openSession, resultsOf } from './session.ts';

/** The model, and what goes round. Running blocks the thread until it is done. */
export interface Loop {
  /**
   * Runs once on what is carried now. What the run made of it is kept aside until `advance`.
   *
   * @param feeds the inputs that are not carried
   * @returns the outputs that are not carried
   * @throws {ModelError} if onnxruntime refuses, with its message
   */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  /** What the last run made becomes what is carried. */
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
 * On `webgpu` what is carried stays in the memory of the device. The binding of onnxruntime for Node hands out and takes
 * tensors there for that provider only: on the others they come to the processor's memory and go back at every run.
 *
 * @throws {ModelError} onnxruntime cannot load the model
 * @throws {EnvironmentError} the device does not work here
 */
export function openLoop(model: Model, carried: readonly Carried[], options: RuntimeOptions): Promise<Loop> {
  return options.device === 'webgpu' ? openResident(model, carried, options) : openBuffered(model, carried, options);
}

/** Two sets of buffers: a run reads one and writes the other, so that no kernel sees half of a change. */
async function openBuffered(model: Model, carried: readonly Carried[], options: RuntimeOptions): Promise<Loop> {
  const session = await openSession(model, options);
  const free = freeOutputs(model, carried);
  let current = carried.map(({ start, dims }) => float32(start.slice(), dims));
  let next = carried.map(({ dims }) => float32(new Float32Array(sizeOf(dims)), dims));
  return {
    run: async (feeds) => {
      const all = { ...feeds, ...named(carried, 'input', current) };
      const results = await session.run(all, { ...free, ...named(carried, 'output', next) });
      return Object.fromEntries(Object.keys(free).map((name) => [name, results[name]!]));
    },
    advance: () => {
      [current, next] = [next, current];
    },
    read: async () => new Map(carried.map(({ input }, i) => [input, current[i]!])),
    close: session.close,
  };
}

async function openResident(model: Model, carried: readonly Carried[], options: RuntimeOptions): Promise<Loop> {
  const runtime = await openRuntime(
    model,
    options,
    carried.map((c) => c.output),
  );
  const free = Object.keys(freeOutputs(model, carried));
  let reader: Runtime | undefined;
  let current: Values = inputsOf(
    runtime,
    named(
      carried,
      'input',
      carried.map(({ start, dims }) => float32(start.slice(), dims)),
    ),
  );
  let next: Values = {};
  return {
    run: async (feeds) => {
      for (const value of Object.values(next)) value.dispose();
      next = {};
      const results = await runtime.run({ ...inputsOf(runtime, feeds), ...current });
      next = Object.fromEntries(carried.map(({ input, output }) => [input, results[output]!]));
      return resultsOf(runtime, Object.fromEntries(free.map((name) => [name, results[name]!])));
    },
    advance: () => {
      for (const value of Object.values(current)) value.dispose();
      current = next;
      next = {};
    },
    read: async () => {
      // The binding cannot fetch a tensor from the device, but a model can whose outputs are its inputs.
      reader ??= await openRuntime(copyModel(carried), { device: 'webgpu' });
      const copies = await reader.run(current);
      return new Map(carried.map(({ input, output }) => [input, runtime.fromOrt(output, copies[output]!)]));
    },
    close: async () => {
      for (const value of [...Object.values(current), ...Object.values(next)]) value.dispose();
      [current, next] = [{}, {}];
      await reader?.close();
      await runtime.close();
    },
  };
}

function freeOutputs({ graph }: Model, carried: readonly Carried[]): Record<string, null> {
  const taken = new Set(carried.map((c) => c.output));
  return Object.fromEntries(graph.outputs.filter((o) => !taken.has(o.name)).map((o) => [o.name, null]));
}

function named<T>(carried: readonly Carried[], side: 'input' | 'output', values: readonly T[]): Record<string, T> {
  return Object.fromEntries(carried.map((c, i) => [c[side], values[i]!]));
}

function copyModel(carried: readonly Carried[]): Model {
  const builder = graphBuilder();
  for (const { input, output } of carried) builder.add('Identity', [input], {}, { output });
  const values = (side: 'input' | 'output'): ValueInfo[] =>
    carried.map((c) => ({ name: c[side], dtype: 'float32', dims: c.dims }));
  const graph = builder.graph(values('input'), values('output'));
  return { graph, opset: 17, domains: {}, irVersion: 8, producer: 'nevus', metadata: {} };
}
