/** Running models. The only file that imports onnxruntime. */
import * as ort from 'onnxruntime-node';
import { ModelError, messageOf } from '../core/errors.ts';
import { type DataType, type Model, sizeOf, type Tensor } from './model.ts';
import { encodeModel } from './protobuf.ts';

export interface SessionOptions {
  /** Threads inside one operator. Default: all cores. The result may depend on it in the last bits. */
  readonly threads?: number;
  /** `disabled` runs the graph as written. Default `all`. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Write onnxruntime's profile of every run to files that start with this path. */
  readonly profile?: string;
}

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
 */
export async function openSession(model: Model | Uint8Array | string, options: SessionOptions = {}): Promise<Session> {
  const settings: ort.InferenceSession.SessionOptions = {
    graphOptimizationLevel: options.optimization ?? 'all',
    logSeverityLevel: 3,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
  };
  let session: ort.InferenceSession;
  try {
    session =
      typeof model === 'string'
        ? await ort.InferenceSession.create(model, settings)
        : await ort.InferenceSession.create(model instanceof Uint8Array ? model : encodeModel(model), settings);
  } catch (error) {
    throw new ModelError('onnx/load', `onnxruntime cannot load the model: ${messageOf(error)}`, undefined, {
      cause: error,
    });
  }
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: async (feeds, into) => {
      try {
        const inputs: Record<string, ort.Tensor> = {};
        for (const [name, tensor] of Object.entries(feeds)) inputs[name] = toOrt(tensor);
        if (into === undefined) return fromResults(await session.run(inputs));
        const fetches: Record<string, ort.Tensor | null> = {};
        for (const [name, tensor] of Object.entries(into)) fetches[name] = tensor === null ? null : toOrt(tensor);
        return fromResults(await session.run(inputs, fetches));
      } catch (error) {
        throw new ModelError('onnx/run', `onnxruntime cannot run the model: ${messageOf(error)}`, undefined, {
          cause: error,
        });
      }
    },
    close: async () => {
      if (options.profile !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

function toOrt({ dtype, data, dims }: Tensor): ort.Tensor {
  return new ort.Tensor(dtype, data, dims);
}

function fromResults(results: ort.InferenceSession.OnnxValueMapType): Record<string, Tensor> {
  const out: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(results)) out[name] = fromOrt(value);
  return out;
}

const DTYPES = new Set<string>([
  'float32',
  'float64',
  'float16',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint64',
  'uint32',
  'uint16',
  'uint8',
  'bool',
] satisfies DataType[]);

function isTensor(value: {
  readonly dtype: string;
  readonly dims: readonly number[];
  readonly data: unknown;
}): value is Tensor {
  return DTYPES.has(value.dtype) && ArrayBuffer.isView(value.data);
}

function fromOrt(value: ort.OnnxValue): Tensor {
  // Where the platform has Float16Array, onnxruntime hands one out; here float16 is always its bits.
  const { data } = value;
  const bits =
    value.type === 'float16' && ArrayBuffer.isView(data)
      ? new Uint16Array(data.buffer, data.byteOffset, sizeOf(value.dims))
      : data;
  const tensor = { dtype: value.type, dims: value.dims, data: bits };
  if (!isTensor(tensor))
    throw new ModelError(
      'onnx/output',
      `expected a tensor of numbers, got ${value.type} [${value.dims.join(', ')}] with ${sizeOf(value.dims)} values`,
    );
  return tensor;
}
