/** Files of PyTorch weights: `.pth` and `.pt` (zip, and the older kind without), `.safetensors`. */
import { readFileSync, statSync } from 'node:fs';
import { DataError, ModelError, messageOf, systemCode, UsageError } from '../../../core/errors.ts';
import { parseSafetensors } from '../../../core/safetensors.ts';
import { readZip } from '../../../core/zip.ts';
import { sizeOf } from '../../../onnx/model.ts';
import type { StateDict, StoredTensor } from '../../architectures/state-dict.ts';
import { readLegacy } from './legacy.ts';
import { type Pickled, readPickle } from './pickle.ts';
import { ALLOWED, checkedBytes, type StorageReference, tensorOf } from './storages.ts';
import { type ElementType, storedTensor } from './tensor.ts';

/** What Node reads into memory at once. */
const MOST_BYTES = 2 ** 31 - 1;

/** A file's weights and its bytes. */
export interface Checkpoint {
  readonly state: StateDict;
  readonly file: Buffer;
}

/**
 * Reads a state dict. Nothing of the file is executed. Wrappers (`{state_dict: …}`, `{model: …}`) and prefixes that all
 * names share (`module.`) are taken off.
 *
 * @throws {UsageError} a file that cannot be read
 * @throws {ModelError} a file of another kind, one that is malformed, or one with more than tensors in it
 */
export function readCheckpoint(path: string): Checkpoint {
  const file = read(path);
  return { file, state: decodeCheckpoint(file, path) };
}

/** The weights in the bytes of a file. @param where how messages name it @throws {ModelError} as `readCheckpoint` */
export function decodeCheckpoint(file: Buffer, where: string): StateDict {
  return withoutPrefixes(readTensors(file, where));
}

function readTensors(file: Buffer, where: string): StateDict {
  if (file.length >= 4 && file.readUInt32LE(0) === ZIP) return readArchive(file, where);
  if (file[0] === 0x80) {
    const { value, bytes } = readLegacy(file, where);
    return collect(value, where, bytes);
  }
  // A length of 8 bytes, then a JSON object.
  if (file[8] === 0x7b) return readSafetensorsState(file, where);
  throw new ModelError(
    'torch/format',
    `${where}: expected weights of PyTorch (.pth, .pt or .safetensors), got a file that begins otherwise`,
    'If it was saved by a very old PyTorch, load it there and save it again: torch.save(torch.load(path), new).',
  );
}

const ZIP = 0x04034b50;

function readArchive(file: Buffer, where: string): StateDict {
  const { names, read: entry } = readZip(
    file,
    'stored',
    (got) => new ModelError('torch/zip', `${where}: expected a zip archive of stored entries, got ${got}`),
  );
  const pickle = names.find((name) => /^[^/]+\/data\.pkl$/.test(name));
  const folder = pickle?.slice(0, -'data.pkl'.length) ?? '';
  if (names.some((name) => name.startsWith(`${folder}code/`) || name === `${folder}constants.pkl`))
    throw new ModelError(
      'torch/format',
      `${where}: expected weights, got a TorchScript program`,
      'Save its weights: torch.save(torch.jit.load(path).state_dict(), "weights.pth").',
    );
  const content = pickle === undefined ? undefined : entry(pickle);
  if (content === undefined)
    throw new ModelError(
      'torch/format',
      `${where}: expected data.pkl in the archive, got an archive of something else`,
    );
  const order = entry(`${folder}byteorder`)?.toString() ?? 'little';
  if (order !== 'little')
    throw new ModelError('torch/format', `${where}: expected little-endian numbers, got ${order}`);
  const { value } = readPickle(content, { where, allowed: ALLOWED });
  return collect(value, where, (reference) => checkedBytes(entry(`${folder}data/${reference.key}`), reference, where));
}

/** Keys under which training programs keep the weights, the most telling first. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model', 'net', 'weights'];
const WRAPPED_AT_MOST = 3;

/** The tensors of the dictionary that has them, the root or one that it wraps. */
function collect(root: Pickled, where: string, bytes: (reference: StorageReference) => Uint8Array): StateDict {
  let value = root;
  for (let depth = 0; depth < WRAPPED_AT_MOST && value instanceof Map; depth++) {
    const dictionary: ReadonlyMap<Pickled, Pickled> = value;
    const wrapper = WRAPPERS.find((key) => dictionary.get(key) instanceof Map);
    if (wrapper === undefined) break;
    value = dictionary.get(wrapper) ?? null;
  }
  const state = new Map<string, StoredTensor>();
  let elements = 0;
  const storages = new Map<string, number>();
  if (value instanceof Map)
    for (const [key, item] of value) {
      if (typeof key !== 'string') continue;
      const tensor = tensorOf(item, `${where}: ${key}`, (reference) => {
        storages.set(reference.key, reference.size);
        return bytes(reference);
      });
      if (tensor === undefined) continue;
      elements += sizeOf(tensor.dims);
      state.set(key, tensor);
    }
  if (state.size === 0)
    throw new ModelError(
      'torch/state-dict',
      `${where}: expected a dictionary of tensors, at the top or under ${WRAPPERS.join(', ')}, got none`,
      'Save the weights alone: torch.save(model.state_dict(), "weights.pth").',
    );
  const stored = [...storages.values()].reduce((sum, size) => sum + size, 0);
  // Tied weights share a storage; a thousand tensors in one are an attack on memory.
  if (elements > SHARED_AT_MOST * stored)
    throw new ModelError(
      'torch/shared',
      `${where}: expected at most ${SHARED_AT_MOST} tensors per stored number, got more`,
    );
  return state;
}

const SHARED_AT_MOST = 8;

const SAFETENSORS_TYPES: ReadonlyMap<string, ElementType> = new Map([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U8', 'uint8'],
  ['BOOL', 'bool'],
]);

function readSafetensorsState(file: Buffer, where: string): StateDict {
  try {
    const state = new Map<string, StoredTensor>();
    for (const [name, { dtype, dims, bytes }] of parseSafetensors(file, where).entries) {
      const type = SAFETENSORS_TYPES.get(dtype);
      if (type === undefined)
        throw new ModelError('torch/tensor', `${where}: ${name}: elements ${dtype} are not supported`);
      const strides = dims.map((_, i) => sizeOf(dims.slice(i + 1)));
      state.set(name, storedTensor({ dtype: type, dims, strides, offset: 0, storage: bytes }, `${where}: ${name}`));
    }
    return state;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new ModelError('torch/format', error.message, 'Download or save the file again.', { cause: error });
  }
}

/** Names that wrappers of modules put before every name: data parallelism, compilation, training frameworks. */
const PREFIXES = ['module.', '_orig_mod.', 'model.', 'net.', 'network.', 'backbone.'];

function withoutPrefixes(state: StateDict): StateDict {
  const names = [...state.keys()];
  const prefix = PREFIXES.find((p) => names.length > 0 && names.every((name) => name.startsWith(p)));
  if (prefix === undefined) return state;
  return withoutPrefixes(new Map([...state].map(([name, tensor]) => [name.slice(prefix.length), tensor])));
}

function read(path: string): Buffer {
  try {
    const { size } = statSync(path);
    if (size > MOST_BYTES)
      throw new ModelError(
        'torch/size',
        `${path}: expected a file below 2 GiB, got ${(size / 2 ** 30).toFixed(1)} GiB`,
        'Save the weights without the optimizer, or in float16.',
      );
    return readFileSync(path);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new UsageError(
      'backbone/read',
      `${path}: cannot be read: ${systemCode(error) ?? messageOf(error)}`,
      'Give the path of a file of weights.',
      { cause: error },
    );
  }
}
