/** Archives and pickles by hand, to test readers with what PyTorch would not write. */

import { deflateRawSync } from 'node:zlib';

/** A zip archive whose entries are stored as they are, or deflated. */
export function zipOf(entries: Readonly<Record<string, Uint8Array>>, deflated = false): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(entries)) {
    const data = deflated ? deflateRawSync(content) : content;
    const path = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(deflated ? 8 : 0, 8);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(content.length, 22);
    local.writeUInt16LE(path.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(deflated ? 8 : 0, 10);
    central.writeUInt32LE(data.length, 20);
    central.writeUInt32LE(content.length, 24);
    central.writeUInt16LE(path.length, 28);
    central.writeUInt32LE(at, 42);
    parts.push(local, path, Buffer.from(data));
    directory.push(central, path);
    at += local.length + path.length + data.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(entries).length, 8);
  end.writeUInt16LE(Object.keys(entries).length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, listed, end]);
}

/** Opcodes of protocol 2 for a value: whole numbers, text, tuples (arrays), dictionaries (maps), raw opcodes (buffers). */
export type Picklable = number | string | readonly Picklable[] | ReadonlyMap<string, Picklable> | Buffer;

export function opcodes(value: Picklable): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes.writeBigInt64LE(BigInt(value), 1);
    bytes[0] = 8;
    return Buffer.concat([Buffer.from([0x8a]), bytes]);
  }
  if (typeof value === 'string') {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(Buffer.byteLength(value));
    return Buffer.concat([Buffer.from('X'), length, Buffer.from(value)]);
  }
  if (value instanceof Map) {
    const items = [...value].flatMap(([k, v]) => [opcodes(k), opcodes(v)]);
    return Buffer.concat([Buffer.from('}('), ...items, Buffer.from('u')]);
  }
  const items = Array.isArray(value) ? value.map(opcodes) : [];
  return Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]);
}

export const globalOpcode = (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`);

/** A function applied to arguments. */
export const callOpcodes = (module: string, name: string, args: readonly Picklable[]): Buffer =>
  Buffer.concat([globalOpcode(module, name), opcodes(args), Buffer.from('R')]);

export interface TensorRecord {
  readonly key?: string;
  readonly type?: string;
  /** Elements that the storage is said to have. */
  readonly elements: number;
  readonly offset?: number;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
}

/** What `torch.save` writes of a tensor. */
export function tensorOpcodes({
  key = '0',
  type = 'FloatStorage',
  elements,
  offset = 0,
  dims,
  strides,
}: TensorRecord): Buffer {
  const id = opcodes(['storage', globalOpcode('torch', type), key, 'cpu', elements]);
  const storage = Buffer.concat([id, Buffer.from('Q')]);
  const rest = [Buffer.from([0x89]), callOpcodes('collections', 'OrderedDict', [])];
  return callOpcodes('torch._utils', '_rebuild_tensor_v2', [storage, offset, dims, strides, ...rest]);
}

export const pickleOf = (value: Picklable): Buffer =>
  Buffer.concat([Buffer.from([0x80, 2]), opcodes(value), Buffer.from('.')]);
