/** The files of `torch.save` before version 1.6, which many published weights still are: pickles, then raw numbers. */
import { ModelError } from '../../../core/errors.ts';
import { type Pickled, readPickle } from './pickle.ts';
import { ALLOWED, checkedBytes, type StorageReference, storageReference } from './storages.ts';
import { widthOf } from './tensor.ts';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
/** Before the elements of a storage stands their number, an int64. */
const COUNT_BYTES = 8;

/**
 * Reads the object and its storages: pickles of a magic number, a version, facts of the machine, the object, and the
 * storages' keys; then for each key the number of elements and the elements.
 *
 * @returns the object, and the content of the storages that it refers to
 * @throws {ModelError} another kind of file, or a malformed one
 */
export function readLegacy(
  file: Buffer,
  where: string,
): { readonly value: Pickled; readonly bytes: (reference: StorageReference) => Uint8Array } {
  const references = new Map<string, StorageReference>();
  const onReference = (id: Pickled): void => {
    const reference = storageReference(id, where);
    references.set(reference.key, reference);
  };
  let start = 0;
  const next = (): Pickled => {
    const { value, end } = readPickle(file, { where, allowed: ALLOWED, start, onReference });
    start = end;
    return value;
  };
  const other = (detail: string): ModelError =>
    new ModelError(
      'torch/format',
      `${where}: expected weights of PyTorch, got ${detail}`,
      'In PyTorch: torch.save(model.state_dict(), "weights.pth").',
    );
  if (next() !== MAGIC || next() !== PROTOCOL) throw other('a pickle of something else');
  const machine = next();
  if (machine instanceof Map && machine.get('little_endian') === false) throw other('big-endian numbers');
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw other('a file without its list of storages');

  const contents = new Map<string, Buffer>();
  for (const key of keys) {
    const reference = typeof key === 'string' ? references.get(key) : undefined;
    if (reference === undefined) throw other('a storage that nothing refers to');
    const from = start + COUNT_BYTES;
    const to = from + reference.size * widthOf(reference.dtype);
    if (to > file.length) throw other('a file that is cut short');
    if (file.readBigInt64LE(start) !== BigInt(reference.size)) throw other('a storage of another size');
    contents.set(reference.key, file.subarray(from, to));
    start = to;
  }
  return { value, bytes: (reference) => checkedBytes(contents.get(reference.key), reference, where) };
}
