import { existsSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StateDict } from '../../../src/backbone/architectures/state-dict.ts';
import { decodeCheckpoint, readCheckpoint } from '../../../src/backbone/importers/torch/checkpoint.ts';
import { ModelError, UsageError } from '../../../src/core/errors.ts';
import {
  callOpcodes,
  globalOpcode,
  type Picklable,
  pickleOf,
  type TensorRecord,
  tensorOpcodes,
  zipOf,
} from './zip-writer.ts';

const golden = (name: string): string => fileURLToPath(new URL(`../../golden/torchvision/${name}`, import.meta.url));
const expected: Readonly<Record<string, { readonly dims: number[]; readonly values: number[] }>> = JSON.parse(
  readFileSync(golden('tensors.json'), 'utf8'),
);
const folder = mkdtempSync(join(tmpdir(), 'nevus-torch-'));
const read = (bytes: Buffer): StateDict => decodeCheckpoint(bytes, 'weights.pth');

describe.each(['tensors.pth', 'tensors-protocol4.pth', 'tensors-legacy.pth', 'tensors.safetensors'])('%s', (file) => {
  const { state } = readCheckpoint(golden(file));

  it('has all tensors, in order', () => {
    expect([...state.keys()]).toEqual(Object.keys(expected));
  });

  it.each(Object.entries(expected))('has the values of PyTorch: %s', (name, { dims, values }) => {
    const tensor = state.get(name)!;
    expect(tensor.dims).toEqual(dims);
    expect([...tensor.values()]).toEqual(values.map(Math.fround));
  });
});

describe('a checkpoint', () => {
  const names = [
    '0.weight',
    '0.bias',
    '1.weight',
    '1.bias',
    '1.running_mean',
    '1.running_var',
    '1.num_batches_tracked',
  ];

  it('may be wrapped by a training program, with names that data parallelism lengthened', () => {
    const plain = readCheckpoint(golden('module.pth')).state;
    const wrapped = readCheckpoint(golden('wrapped.pth')).state;
    expect([...plain.keys()]).toEqual(names);
    expect([...wrapped.keys()]).toEqual(names);
    for (const [name, tensor] of plain) expect(wrapped.get(name)!.values()).toEqual(tensor.values());
  });

  it.each(['malicious.pth', 'malicious-legacy.pth', 'malicious.pickle.pth'])('is never executed: %s', (file) => {
    expect(() => readCheckpoint(golden(file))).toThrow(/asks for "posix\.system"; nothing was executed/);
    expect(existsSync('/tmp/nevus-executed-a-pickle')).toBe(false);
  });

  it.each([
    ['a whole module', 'whole-module.pth', /asks for "torch\.nn\.modules\.container\.Sequential"/],
    ['a program', 'script.pt', /TorchScript/],
    ['a compressed archive', 'compressed.pth', /compressed/],
  ])('is refused, if it is %s', (_, file, message) => {
    expect(() => readCheckpoint(golden(file))).toThrow(message);
    expect(() => readCheckpoint(golden(file))).toThrow(ModelError);
  });

  it('that is not there or a folder is a usage error', () => {
    expect(() => readCheckpoint(join(folder, 'absent.pth'))).toThrow(UsageError);
    expect(() => readCheckpoint(folder)).toThrow(UsageError);
  });

  it('above 2 GiB is refused before it is read', () => {
    const large = join(folder, 'large.pth');
    writeFileSync(large, '');
    truncateSync(large, 2 ** 31);
    expect(() => readCheckpoint(large)).toThrow(/below 2 GiB/);
  });

  it.each(['module.pth', 'tensors-legacy.pth', 'tensors.safetensors'])('cut short anywhere is refused: %s', (file) => {
    const whole = readFileSync(golden(file));
    for (let end = 0; end < whole.length; end += 7) expect(() => read(whole.subarray(0, end))).toThrow(ModelError);
  });

  it.each(['module.pth', 'tensors-legacy.pth', 'tensors.safetensors'])(
    'with damaged bytes is read or refused, but nothing else happens: %s',
    (file) => {
      const whole = readFileSync(golden(file));
      const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
          const bytes = Buffer.from(whole);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            for (const tensor of read(bytes).values()) tensor.values();
          } catch (error) {
            expect(error).toBeInstanceOf(ModelError);
          }
        }),
        { numRuns: 300 },
      );
    },
  );

  it('of other bytes is refused', () => {
    const begin = fc.constantFrom('', 'PK\u0003\u0004', '\u0080\u0002');
    fc.assert(
      fc.property(begin, fc.uint8Array({ maxLength: 64 }), (start, bytes) => {
        expect(() => read(Buffer.concat([Buffer.from(start, 'latin1'), bytes]))).toThrow(ModelError);
      }),
    );
  });
});

const weights = Buffer.from(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const archive = (value: Picklable, storages: Readonly<Record<string, Uint8Array>> = { 'a/data/0': weights }): Buffer =>
  zipOf({ 'a/data.pkl': pickleOf(value), ...storages });
const one = (record: Partial<TensorRecord>): Buffer =>
  archive(new Map([['w', tensorOpcodes({ elements: 6, dims: [2, 3], strides: [3, 1], ...record })]]));

describe('an archive made by hand', () => {
  it('is read as one of PyTorch', () => {
    const values = (record: Partial<TensorRecord>): number[] => [...read(one(record)).get('w')!.values()];
    expect(values({})).toEqual([1, 2, 3, 4, 5, 6]);
    expect(values({ dims: [3, 2], strides: [1, 3] })).toEqual([1, 4, 2, 5, 3, 6]);
    expect(values({ dims: [2], strides: [2], offset: 3 })).toEqual([4, 6]);
  });

  it.each([
    ['leaves its storage', { dims: [2, 4], strides: [4, 1] }],
    ['begins behind its storage', { offset: 6, dims: [1], strides: [1] }],
    ['begins before it', { offset: -1 }],
    ['walks backwards', { dims: [2], strides: [-1], offset: 5 }],
    ['repeats an element without end', { dims: [2 ** 40], strides: [0] }],
    ['has a shape beyond all numbers', { dims: [2 ** 52, 2 ** 52], strides: [0, 0] }],
    ['has a negative size', { dims: [-2, -3], strides: [3, 1] }],
    ['has fewer strides than axes', { strides: [1] }],
    ['claims more elements than are stored', { elements: 7 }],
    ['claims fewer', { elements: 5, dims: [5], strides: [1] }],
    ['has a storage that is absent', { key: '1' }],
    ['has a storage elsewhere', { key: '../data.pkl' }],
    ['has elements of no type', { type: 'ComplexFloatStorage' }],
  ])('is refused if a tensor %s', (_, record) => {
    expect(() => read(one(record))).toThrow(ModelError);
  });

  it('is refused if it asks for much memory in few bytes', () => {
    const tensors = Array.from({ length: 9 }, (_, i): [string, Picklable] => [
      `w${i}`,
      tensorOpcodes({ elements: 6, dims: [2, 3], strides: [3, 1] }),
    ]);
    expect(() => read(archive(new Map(tensors)))).toThrow(/tensors per stored number/);
    expect(read(archive(new Map(tensors.slice(0, 8)))).size).toBe(8);
  });

  it.each<[string, Picklable]>([
    ['no dictionary', 7],
    ['a dictionary of numbers', new Map([['epoch', 7]])],
    ['a storage for a tensor', new Map([['w', callOpcodes('torch', 'FloatStorage', [4])]])],
    ['a tensor without arguments', new Map([['w', callOpcodes('torch._utils', '_rebuild_tensor_v2', [])]])],
    ['a call of what is no function', new Map([['w', Buffer.from('K\u0001)R', 'latin1')]])],
    ['an object of a class', new Map([['w', Buffer.from('ctorch\nFloatStorage\n)\u0081', 'latin1')]])],
    ['a function by its number', new Map([['w', Buffer.from('\u0082\u0001', 'latin1')]])],
    ['a function of the allowed modules', new Map([['w', globalOpcode('torch._utils', '_import_dotted_name')]])],
    ['a name with a path in it', new Map([['w', globalOpcode('torch', 'serialization.os.system')]])],
    ['attributes on a number', new Map([['w', Buffer.from('K\u0001}b', 'latin1')]])],
    ['a memory that was never written', new Map([['w', Buffer.from('h\u0007', 'latin1')]])],
    ['an empty stack', Buffer.from('0')],
    ['no mark', Buffer.from('t')],
  ])('is refused if the pickle has %s', (_, value) => {
    expect(() => read(archive(value))).toThrow(ModelError);
  });

  it('with names that objects treat in their own way is read like others', () => {
    const tensor = tensorOpcodes({ elements: 6, dims: [6], strides: [1] });
    const state = read(
      archive(
        new Map([
          ['__proto__', tensor],
          ['constructor', tensor],
        ]),
      ),
    );
    expect([...state.keys()]).toEqual(['__proto__', 'constructor']);
  });

  it('may contain itself', () => {
    // d = {w: tensor}; d[d] is d itself: memo 0.
    const tensor = tensorOpcodes({ elements: 6, dims: [6], strides: [1] });
    const value = Buffer.concat([
      Buffer.from('}q\u0000X\u0001\u0000\u0000\u0000w', 'latin1'),
      tensor,
      Buffer.from('sX\u0005\u0000\u0000\u0000modelh\u0000s', 'latin1'),
    ]);
    expect(read(archive(value)).size).toBe(1);
  });

  it('of another byte order, or without a pickle, is refused', () => {
    const tensor = new Map([['w', tensorOpcodes({ elements: 6, dims: [6], strides: [1] })]]);
    const storages = { 'a/data/0': weights, 'a/byteorder': Buffer.from('big') };
    expect(() => read(archive(tensor, storages))).toThrow(/little-endian/);
    expect(() => read(zipOf({ 'a/other': weights }))).toThrow(/data\.pkl/);
  });
});
