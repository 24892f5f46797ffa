/** onnxruntime on a device, and how tensors get in and out of it. The only file that imports onnxruntime. */
import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-node';
import { ModelError, messageOf } from '../core/errors.ts';
import { checkDevice, type Device } from './device.ts';
import { floatsOfHalves, halvesOfFloats } from './half.ts';
import { type DataType, type Model, sizeOf, type Tensor } from './model.ts';
import { forWebgpu } from './passes/for-webgpu.ts';
import { decodeModel, encodeModel } from './protobuf.ts';

export interface RuntimeOptions {
  /** Threads inside one operator on the processor. Default: all cores. The result may depend on it in the last bits. */
  readonly threads?: number;
  /** `disabled` runs the graph as written. Default `all`. */
  readonly optimization?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Write onnxruntime's profile of every run to files that start with this path. */
  readonly profile?: string;
  /** What does the arithmetic. Operators that it lacks run on the processor. Default `cpu`. */
  readonly device?: Device;
}

/** Tensors of onnxruntime by name. */
export type Values = Readonly<Record<string, ort.Tensor>>;

/** A model that is loaded. */
export interface Runtime {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** @param fetches tensors to write into, null for new ones; only the outputs that it names are computed */
  run(feeds: Values, fetches?: Readonly<Record<string, ort.Tensor | null>>): Promise<Values>;
  /** A tensor as the input or output of that name takes it. Shares memory where the types agree. */
  toOrt(name: string, tensor: Tensor): ort.Tensor;
  /** Inverse of `toOrt`. */
  fromOrt(name: string, value: ort.Tensor): Tensor;
  close(): Promise<void>;
}

/**
 * @param model or its bytes, or the path of its file
 * @param resident outputs that stay in the memory of the device, where it is `webgpu`: the only one for which the
 *   binding for Node hands out and takes such tensors
 * @throws {ModelError} onnxruntime cannot load it
 * @throws {EnvironmentError} the device does not work here
 */
export async function openRuntime(
  model: Model | Uint8Array | string,
  options: RuntimeOptions,
  resident: readonly string[] = [],
): Promise<Runtime> {
  const { device = 'cpu', optimization = 'all', threads, profile } = options;
  const prepared = await prepare(model, device);
  const settings: ort.InferenceSession.SessionOptions = {
    graphOptimizationLevel: optimization,
    logSeverityLevel: 3,
    // A plan of all buffers made beforehand, beside the arena, is no faster and takes up to twice the memory.
    enableMemPattern: false,
    executionProviders: [prepared.provider],
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
    ...(resident.length === 0
      ? {}
      : { preferredOutputLocation: Object.fromEntries(resident.map((name) => [name, 'gpu-buffer' as const])) }),
  };
  const hint =
    device === 'cpu' ? undefined : `If it runs on the processor (device cpu), ${device} lacks one of its operators.`;
  const refused = (what: 'load' | 'run', error: unknown): ModelError =>
    new ModelError(`onnx/${what}`, `onnxruntime cannot ${what} the model: ${messageOf(error)}`, hint, { cause: error });
  let session: ort.InferenceSession;
  try {
    // Two calls, for onnxruntime has an overload for each.
    session =
      typeof prepared.source === 'string'
        ? await ort.InferenceSession.create(prepared.source, settings)
        : await ort.InferenceSession.create(prepared.source, settings);
  } catch (error) {
    throw refused('load', error);
  }
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: async (feeds, fetches) => {
      try {
        return fetches === undefined ? await session.run(feeds) : await session.run(feeds, fetches);
      } catch (error) {
        throw refused('run', error);
      }
    },
    toOrt: (name, tensor) =>
      tensor.dtype === 'float16' && prepared.widened.has(name)
        ? new ort.Tensor('float32', floatsOfHalves(tensor.data), tensor.dims)
        : new ort.Tensor(tensor.dtype, tensor.data, tensor.dims),
    fromOrt: (name, value) => {
      const tensor = fromOrt(value);
      return tensor.dtype === 'float32' && prepared.widened.has(name)
        ? { dtype: 'float16', dims: tensor.dims, data: halvesOfFloats(tensor.data) }
        : tensor;
    },
    close: async () => {
      if (profile !== undefined) session.endProfiling();
      await session.release();
    },
  };
}

interface Prepared {
  readonly source: Uint8Array | string;
  readonly provider: ort.InferenceSession.ExecutionProviderConfig;
  readonly widened: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

async function prepare(model: Model | Uint8Array | string, device: Device): Promise<Prepared> {
  const { half } = await checkDevice(device);
  if (device !== 'webgpu') {
    const source = typeof model === 'string' || model instanceof Uint8Array ? model : encodeModel(model);
    return { source, provider: device === 'coreml' ? COREML : device, widened: NONE };
  }
  const bytes = typeof model === 'string' ? readFileSync(model) : model;
  const decoded = bytes instanceof Uint8Array ? decodeModel(bytes, typeof model === 'string' ? model : 'model') : bytes;
  const { model: fitting, onCpu, widened } = forWebgpu(decoded, half);
  const provider = onCpu.length === 0 ? ('webgpu' as const) : { name: 'webgpu' as const, forceCpuNodeNames: onCpu };
  return { source: encodeModel(fitting), provider, widened };
}

/** Processor and graphics card (0x20), not the neural engine, which has 16-bit numbers only. */
const COREML: ort.InferenceSession.ExecutionProviderConfig = { name: 'coreml', coreMlFlags: 0x20 };

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

function fromOrt(value: ort.Tensor): Tensor {
  // Where the platform has Float16Array, onnxruntime hands one out; here float16 is always its bits.
  const { data } = value;
  const bits =
    value.type === 'float16' && ArrayBuffer.isView(data)
      ? new Uint16Array(data.buffer, data.byteOffset, sizeOf(value.dims))
      : data;
  const tensor = { dtype: value.type, dims: value.dims, data: bits };
  if (!isTensor(tensor)) {
    throw new ModelError(
      'onnx/output',
      `expected a tensor of numbers, got ${value.type} [${value.dims.join(', ')}] with ${sizeOf(value.dims)} values`,
    );
  }
  return tensor;
}
