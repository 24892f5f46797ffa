/** DICOM files by hand. */

export type Value = string | Buffer | number | readonly Record<string, Value | undefined>[];

const KINDS: Readonly<Record<string, string>> = {
  '00080060': 'CS',
  '00080100': 'SH',
  '00080104': 'LO',
  '00082218': 'SQ',
  '00100020': 'LO',
  '00100040': 'CS',
  '00101010': 'AS',
  '00180015': 'CS',
  '00280002': 'US',
  '00280004': 'CS',
  '00280006': 'US',
  '00280008': 'IS',
  '00280010': 'US',
  '00280011': 'US',
  '00280100': 'US',
  '00280101': 'US',
  '7FE00010': 'OB',
  '00020000': 'UL',
  '00020010': 'UI',
};

export interface WriteOptions {
  readonly explicit?: boolean;
  /** Sequences and items without a length, ended by delimiters. */
  readonly openSequences?: boolean;
}

function tagBytes(tag: string): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt16LE(Number.parseInt(tag.slice(0, 4), 16), 0);
  out.writeUInt16LE(Number.parseInt(tag.slice(4), 16), 2);
  return out;
}

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
}

const delimiter = (tag: string): Buffer => Buffer.concat([tagBytes(tag), uint32(0)]);

function element(tag: string, value: Value, options: WriteOptions): Buffer {
  const { explicit = true, openSequences = false } = options;
  const kind = KINDS[tag] ?? 'LO';
  let data: Buffer;
  let length: number | undefined;
  if (typeof value === 'string')
    data = Buffer.from(value.length % 2 === 0 ? value : `${value}${kind === 'UI' ? '\0' : ' '}`);
  else if (typeof value === 'number') {
    data = Buffer.alloc(2);
    data.writeUInt16LE(value);
  } else if (Buffer.isBuffer(value)) data = value;
  else {
    const items = value.map((item) => {
      const body = elements(item, options);
      return openSequences
        ? Buffer.concat([tagBytes('FFFEE000'), uint32(0xffffffff), body, delimiter('FFFEE00D')])
        : Buffer.concat([tagBytes('FFFEE000'), uint32(body.length), body]);
    });
    data = Buffer.concat([...items, ...(openSequences ? [delimiter('FFFEE0DD')] : [])]);
    length = openSequences ? 0xffffffff : undefined;
  }
  if (tag === '7FE00010' && Array.isArray(value)) throw new Error('pixels are bytes');
  const size = length ?? data.length;
  if (!explicit) return Buffer.concat([tagBytes(tag), uint32(size), data]);
  if (['OB', 'SQ', 'OW', 'UN'].includes(kind))
    return Buffer.concat([tagBytes(tag), Buffer.from(kind), Buffer.alloc(2), uint32(size), data]);
  const short = Buffer.alloc(2);
  short.writeUInt16LE(size);
  return Buffer.concat([tagBytes(tag), Buffer.from(kind), short, data]);
}

function elements(values: Readonly<Record<string, Value | undefined>>, options: WriteOptions): Buffer {
  const present = Object.entries(values).flatMap(([tag, value]) => (value === undefined ? [] : [{ tag, value }]));
  return Buffer.concat(
    present.sort((a, b) => (a.tag < b.tag ? -1 : 1)).map(({ tag, value }) => element(tag, value, options)),
  );
}

/** Compressed pixels in pieces, with a table of offsets of frames. */
export function encapsulated(fragments: readonly Buffer[], offsets: readonly number[] = []): Buffer {
  const items = [
    Buffer.concat(offsets.map(uint32)),
    ...fragments.map((f) => (f.length % 2 === 0 ? f : Buffer.concat([f, Buffer.alloc(1)]))),
  ];
  const parts = items.map((item) => Buffer.concat([tagBytes('FFFEE000'), uint32(item.length), item]));
  return Buffer.concat([...parts, delimiter('FFFEE0DD')]);
}

/** A DICOM file. @param pixels raw, or `encapsulated` */
export function dicomOf(
  syntax: string,
  values: Readonly<Record<string, Value | undefined>>,
  pixels: Buffer | { readonly fragments: Buffer },
  options: WriteOptions = {},
): Buffer {
  const syntaxElement = element('00020010', syntax, {});
  const meta = Buffer.concat([element('00020000', uint32(syntaxElement.length), {}), syntaxElement]);
  const body = elements(values, options);
  const tail = Buffer.isBuffer(pixels)
    ? element('7FE00010', pixels, options)
    : Buffer.concat([tagBytes('7FE00010'), Buffer.from('OB'), Buffer.alloc(2), uint32(0xffffffff), pixels.fragments]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), meta, body, tail]);
}

/** What every picture says of itself. */
export function shape(
  width: number,
  height: number,
  more: Readonly<Record<string, Value>> = {},
): Record<string, Value> {
  return {
    '00280002': 3,
    '00280004': 'RGB',
    '00280006': 0,
    '00280010': height,
    '00280011': width,
    '00280100': 8,
    '00280101': 8,
    ...more,
  };
}
