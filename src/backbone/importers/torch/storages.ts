/** Pickled tensors: what `torch.save` writes of them, and the bytes that lie elsewhere in the file. */
import { ModelError } from '../../../core/errors.ts';
import type { StoredTensor } from '../../architectures/state-dict.ts';
import { isCall, isGlobal, isReference, type Pickled } from './pickle.ts';
import { type ElementType, storedTensor, widthOf } from './tensor.ts';

/** PyTorch's names of element types. */
const STORAGES: ReadonlyMap<string, ElementType> = new Map([
  ['torch.DoubleStorage', 'float64'],
  ['torch.FloatStorage', 'float32'],
  ['torch.HalfStorage', 'float16'],
  ['torch.BFloat16Storage', 'bfloat16'],
  ['torch.LongStorage', 'int64'],
  ['torch.IntStorage', 'int32'],
  ['torch.ShortStorage', 'int16'],
  ['torch.CharStorage', 'int8'],
  ['torch.ByteStorage', 'uint8'],
  ['torch.BoolStorage', 'bool'],
]);

const TENSOR = 'torch._utils._rebuild_tensor_v2';
const PARAMETER = 'torch._utils._rebuild_parameter';

/** All that a pickle of weights may mention. */
export const ALLOWED: ReadonlySet<string> = new Set(['collections.OrderedDict', TENSOR, PARAMETER, ...STORAGES.keys()]);

/** A storage by its key in the file. */
export interface StorageReference {
  readonly key: string;
  readonly dtype: ElementType;
  /** Number of elements. */
  readonly size: number;
}

/** What a persistent id says: ('storage', type, key, device, number of elements). Old files have one more, for views. */
export function storageReference(id: Pickled, where: string): StorageReference {
  const [kind, type, key, , size, view = null] = Array.isArray(id) ? id : [];
  const dtype = isGlobal(type) ? STORAGES.get(type.global) : undefined;
  if (kind !== 'storage' || dtype === undefined || typeof key !== 'string' || !isCount(size) || view !== null)
    throw new ModelError('torch/storage', `${where}: expected references to stored numbers, got others`);
  return { key, dtype, size };
}

/**
 * The tensor that a pickled value describes, or undefined if it describes none.
 *
 * @param bytes the content of a storage, of the length that the reference says
 * @throws {ModelError} a tensor that does not fit its storage
 */
export function tensorOf(
  value: Pickled,
  name: string,
  bytes: (reference: StorageReference) => Uint8Array,
): StoredTensor | undefined {
  if (!isCall(value)) return undefined;
  if (value.call === PARAMETER) {
    const [data = null] = value.args;
    // Written once: a parameter around a parameter is no file of PyTorch's.
    return isCall(data) && data.call === TENSOR ? tensorOf(data, name, bytes) : undefined;
  }
  const [storage, offset, dims, strides] = value.args;
  if (
    value.call !== TENSOR ||
    !isReference(storage) ||
    typeof offset !== 'number' ||
    !isNumbers(dims) ||
    !isNumbers(strides)
  )
    throw new ModelError('torch/tensor', `${name}: expected a dense tensor, got ${value.call} of something else`);
  const reference = storageReference(storage.reference, name);
  return storedTensor({ dtype: reference.dtype, dims, strides, offset, storage: bytes(reference) }, name);
}

/** @throws {ModelError} if a storage has not the bytes that its number of elements needs */
export function checkedBytes(bytes: Buffer | undefined, { key, dtype, size }: StorageReference, where: string): Buffer {
  if (bytes?.byteLength !== size * widthOf(dtype))
    throw new ModelError(
      'torch/storage',
      `${where}: expected ${size} numbers (${dtype}) in storage ${key.slice(0, 40)}, got ${bytes === undefined ? 'none' : `${bytes.byteLength} bytes`}`,
      'Download or save the file again.',
    );
  return bytes;
}

function isCount(value: Pickled | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isNumbers(value: Pickled | undefined): value is number[] {
  return Array.isArray(value) && value.every((v) => typeof v === 'number');
}
