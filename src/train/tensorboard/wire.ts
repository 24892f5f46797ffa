/** The little of protobuf's wire format that events need: fields as bytes, and bytes as fields. */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Joins fields into a message. */
export function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

/** A whole number in [0, 2⁵³). */
export function integerField(field: number, value: number): Uint8Array {
  return message(varint(field * 8 + VARINT), varint(value));
}

export function doubleField(field: number, value: number): Uint8Array {
  return message(varint(field * 8 + FIXED64), doubles([value]));
}

export function floatField(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return message(varint(field * 8 + FIXED32), bytes);
}

/** A nested message, bytes, or UTF-8 text. */
export function bytesField(field: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return message(varint(field * 8 + BYTES), varint(bytes.length), bytes);
}

/** `repeated double`, packed. */
export function doublesField(field: number, values: readonly number[]): Uint8Array {
  return bytesField(field, doubles(values));
}

function doubles(values: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => {
    bytes.writeDoubleLE(value, 8 * i);
  });
  return bytes;
}

/** Seven bits a byte, lowest first; the high bit says that more follow. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** A field of a message: a whole number, or the bytes of anything else. */
export interface Field {
  readonly field: number;
  readonly value: number | Buffer;
}

/**
 * Splits a message into its fields. Numbers of fixed width stay bytes, for only the reader knows what they are.
 *
 * @returns undefined where the bytes are not a message
 */
export function fieldsOf(bytes: Uint8Array): Field[] | undefined {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let factor = 1; factor < 2 ** 70; factor *= 0x80) {
      const byte = data[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < data.length) {
    const key = readVarint();
    if (Number.isNaN(key)) return undefined;
    const field = Math.floor(key / 8);
    const kind = key % 8;
    if (kind === VARINT) {
      const value = readVarint();
      if (Number.isNaN(value)) return undefined;
      fields.push({ field, value });
      continue;
    }
    const length = kind === FIXED64 ? 8 : kind === FIXED32 ? 4 : kind === BYTES ? readVarint() : Number.NaN;
    if (!(at + length <= data.length)) return undefined;
    fields.push({ field, value: data.subarray(at, at + length) });
    at += length;
  }
  return fields;
}
