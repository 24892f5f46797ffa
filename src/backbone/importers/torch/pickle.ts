/**
 * Python's pickles as inert data. A pickle is a program for a small stack machine which can call any function that
 * Python can import. Here nothing is called: a function is a name, checked against a list, and calling it makes a
 * record of name and arguments.
 */
import { ModelError } from '../../../core/errors.ts';

/** A Python class or function by name, such as `torch.FloatStorage`. */
export interface Global {
  readonly global: string;
}
/** What calling a function would be. */
export interface Call {
  readonly call: string;
  readonly args: readonly Pickled[];
}
/** An object that lies outside the pickle, by its persistent id. */
export interface Reference {
  readonly reference: Pickled;
}
/** Lists and tuples are arrays, dictionaries and `OrderedDict` are maps. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Pickled[]
  | Map<Pickled, Pickled>
  | Global
  | Call
  | Reference;

export interface PickleOptions {
  /** How messages name the file. */
  readonly where: string;
  /** Full names of the functions and classes that may be mentioned. */
  readonly allowed: ReadonlySet<string>;
  /** Position of the first byte. Default 0. */
  readonly start?: number;
  /** Told of every persistent id. */
  readonly onReference?: (id: Pickled) => void;
}

const ORDERED_DICT = 'collections.OrderedDict';

/**
 * Reads one pickle of protocol 2 to 5, as far as tensors and containers need it.
 *
 * @returns the value, and the position after the pickle
 * @throws {ModelError} a function that is not allowed, an opcode outside the subset, or a pickle that is malformed
 */
export function readPickle(
  bytes: Buffer,
  { where, allowed, start = 0, onReference }: PickleOptions,
): { readonly value: Pickled; readonly end: number } {
  const bad = (detail: string): ModelError =>
    new ModelError('torch/pickle', `${where}: expected a pickle of tensors, got ${detail}`, SAVE_STATE_DICT);
  const stack: Pickled[] = [];
  const marks: number[] = [];
  const memo = new Map<number, Pickled>();
  let at = start;

  const take = (length: number): Buffer => {
    if (length > bytes.length - at) throw bad('one that is cut short');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const byte = (): number => take(1)[0]!;
  const uint32 = (): number => take(4).readUInt32LE();
  const length64 = (): number => Number(take(8).readBigUInt64LE());
  const line = (): string => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw bad('one that is cut short');
    const text = take(end - at).toString('utf8');
    at++;
    return text;
  };
  const pop = (): Pickled => {
    const value = stack.length > (marks.at(-1) ?? 0) ? stack.pop() : undefined;
    if (value === undefined) throw bad('one that takes from an empty stack');
    return value;
  };
  const top = (): Pickled => {
    const value = pop();
    stack.push(value);
    return value;
  };
  const sinceMark = (): Pickled[] => {
    const mark = marks.pop();
    if (mark === undefined) throw bad('one without a mark');
    return stack.splice(mark);
  };
  const tuple = (length: number): void => {
    const items = Array.from({ length }, pop).reverse();
    stack.push(items);
  };
  const load = (index: number): void => {
    const value = memo.get(index);
    if (value === undefined) throw bad('a reference to nothing');
    stack.push(value);
  };
  const mention = (module: Pickled, name: Pickled): void => {
    const full = `${String(module)}.${String(name)}`;
    if (!allowed.has(full)) throw refused(where, full);
    stack.push({ global: full });
  };
  const setItems = (items: readonly Pickled[]): void => {
    const into = top();
    if (!(into instanceof Map) || items.length % 2 !== 0) throw bad('items for what is no dictionary');
    for (let i = 0; i < items.length; i += 2) into.set(items[i]!, items[i + 1]!);
  };
  const append = (items: readonly Pickled[]): void => {
    const into = top();
    if (!Array.isArray(into)) throw bad('items for what is no list');
    for (const item of items) into.push(item);
  };

  const opcodes: Readonly<Record<string, () => void>> = {
    // Frame: only a hint.
    '\x95': () => void take(8),
    '(': () => void marks.push(stack.length),
    '0': () => void pop(),
    '1': () => void sinceMark(),
    '2': () => void stack.push(top()),
    // Constants and numbers.
    N: () => void stack.push(null),
    '\x88': () => void stack.push(true),
    '\x89': () => void stack.push(false),
    J: () => void stack.push(take(4).readInt32LE()),
    K: () => void stack.push(byte()),
    M: () => void stack.push(take(2).readUInt16LE()),
    G: () => void stack.push(take(8).readDoubleBE()),
    '\x8a': () => void stack.push(longOf(take(byte()))),
    // Text and bytes.
    X: () => void stack.push(take(uint32()).toString('utf8')),
    '\x8c': () => void stack.push(take(byte()).toString('utf8')),
    '\x8d': () => void stack.push(take(length64()).toString('utf8')),
    U: () => void stack.push(take(byte()).toString('utf8')),
    T: () => void stack.push(take(uint32()).toString('utf8')),
    B: () => void stack.push(take(uint32())),
    C: () => void stack.push(take(byte())),
    // Containers.
    '}': () => void stack.push(new Map()),
    ']': () => void stack.push([]),
    ')': () => void stack.push([]),
    t: () => void stack.push(sinceMark()),
    l: () => void stack.push(sinceMark()),
    '\x85': () => tuple(1),
    '\x86': () => tuple(2),
    '\x87': () => tuple(3),
    d: () => {
      const items = sinceMark();
      stack.push(new Map());
      setItems(items);
    },
    s: () => {
      const [value, key] = [pop(), pop()];
      setItems([key, value]);
    },
    u: () => setItems(sinceMark()),
    a: () => append([pop()]),
    e: () => append(sinceMark()),
    // The memo.
    q: () => void memo.set(byte(), top()),
    r: () => void memo.set(uint32(), top()),
    '\x94': () => void memo.set(memo.size, top()),
    h: () => load(byte()),
    j: () => load(uint32()),
    // Functions.
    c: () => {
      const module = line();
      mention(module, line());
    },
    '\x93': () => {
      const [name, module] = [pop(), pop()];
      mention(module, name);
    },
    R: () => {
      const [args, callee] = [pop(), pop()];
      if (!Array.isArray(args) || !isGlobal(callee)) throw bad('a call of what is no function');
      stack.push(callee.global === ORDERED_DICT ? orderedDict(args) : { call: callee.global, args });
    },
    // Attributes, such as the versions that a state dict carries, are dropped.
    b: () => {
      pop();
      if (!(top() instanceof Map)) throw bad('attributes of what is no dictionary');
    },
    Q: () => {
      const reference = pop();
      onReference?.(reference);
      stack.push({ reference });
    },
  };
  const orderedDict = (args: readonly Pickled[]): Map<Pickled, Pickled> => {
    const [pairs = []] = args;
    if (args.length > 1 || !Array.isArray(pairs)) throw bad('a dictionary of no pairs');
    return new Map(
      pairs.map((pair): [Pickled, Pickled] => {
        const [key, value] = Array.isArray(pair) ? pair : [];
        if (key === undefined || value === undefined) throw bad('a dictionary of no pairs');
        return [key, value];
      }),
    );
  };

  if (byte() !== 0x80) throw bad('other bytes');
  const protocol = byte();
  if (protocol < 2 || protocol > 5) throw bad(`protocol ${protocol}`);
  for (;;) {
    const opcode = String.fromCharCode(byte());
    if (opcode === '.') break;
    const run = Object.hasOwn(opcodes, opcode) ? opcodes[opcode] : undefined;
    if (run === undefined) throw bad(`the opcode 0x${opcode.charCodeAt(0).toString(16).padStart(2, '0')}`);
    run();
  }
  const value = pop();
  if (stack.length > 0 || marks.length > 0) throw bad('one that leaves values behind');
  return { value, end: at };
}

const SAVE_STATE_DICT =
  'Save the weights alone: in PyTorch, torch.save(model.state_dict(), "weights.pth"), or a .safetensors file.';

function refused(where: string, name: string): ModelError {
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return new ModelError(
    'torch/pickle-global',
    `${where}: expected tensors and containers only, got a pickle that asks for ${JSON.stringify(shown)}; nothing was executed`,
    SAVE_STATE_DICT,
  );
}

export function isGlobal(value: Pickled | undefined): value is Global {
  return typeof value === 'object' && value !== null && 'global' in value;
}

export function isCall(value: Pickled | undefined): value is Call {
  return typeof value === 'object' && value !== null && 'call' in value;
}

export function isReference(value: Pickled | undefined): value is Reference {
  return typeof value === 'object' && value !== null && 'reference' in value;
}

/** Two's complement, least byte first. */
function longOf(bytes: Buffer): number | bigint {
  let value = 0n;
  for (const b of [...bytes].reverse()) value = (value << 8n) | BigInt(b);
  const signed = BigInt.asIntN(bytes.length * 8, value);
  return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
}
