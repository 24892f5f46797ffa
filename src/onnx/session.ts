/** Running models. */
import type { Model, Tensor } from './model.ts';
import { openRuntime, type Runtime, type RuntimeOptions, type Values } from './runtime.ts';

export type SessionOptions = RuntimeOptions;

/** A model ready to run. Running blocks the thread until it is done. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * @param feeds one tensor per input
   * @param into tensors to write outputs into, by name; an output not named here gets memory of its own. With `into`, only the outputs it names are computed
   * @throws {ModelError} if onnxruntime refuses, with its message
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    into?: Readonly<Record<string, Tensor | null>>,
  ): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

/**
 * Makes a session from a model, its bytes, or the path of its file. Bytes are copied by onnxruntime: make sessions once.
 *
 * @throws {ModelError} if onnxruntime cannot load it
 * @throws {EnvironmentError} the device does not work here
 */
export async function openSession(model: Model | Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const runtime = await openRuntime(model, options);
  return {
    inputs: runtime.inputs,
    outputs: runtime.outputs,
    run: async (feeds, into) => {
      const given = inputsOf(runtime, feeds);
      if (into === undefined) return resultsOf(runtime, await runtime.run(given));
      const fetches = Object.entries(into).map(
        ([name, t]) => [name, t === null ? null : runtime.toOrt(name, t)] as const,
      );
      return written(resultsOf(runtime, await runtime.run(given, Object.fromEntries(fetches))), into);
    },
    close: runtime.close,
  };
}

/** Tensors as a runtime takes them. */
export function inputsOf(runtime: Runtime, feeds: Readonly<Record<string, Tensor>>): Values {
  return Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, runtime.toOrt(name, tensor)]));
}

/** What a runtime gave, as tensors. */
export function resultsOf(runtime: Runtime, results: Values): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(results).map(([name, value]) => [name, runtime.fromOrt(name, value)]));
}

/** Where a type was converted on the way, onnxruntime wrote beside the tensor that was given. */
function written(
  results: Record<string, Tensor>,
  into: Readonly<Record<string, Tensor | null>>,
): Record<string, Tensor> {
  for (const [name, target] of Object.entries(into)) {
    const result = results[name];
    if (target?.dtype === 'float16' && result?.dtype === 'float16' && result.data.buffer !== target.data.buffer)
      target.data.set(result.data);
  }
  return results;
}
