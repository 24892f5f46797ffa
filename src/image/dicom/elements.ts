/** The elements of a DICOM file (PS3.5 and PS3.10), as far as pictures in visible light need them. */
import { DataError } from '../../core/errors.ts';

/** Elements by tag, the group in the upper 16 bits. */
export type Elements = ReadonlyMap<number, Element>;

export interface Element {
  /** The value's bytes; empty for a sequence and for compressed pixels. */
  readonly value: Buffer;
  /** Items of a sequence. */
  readonly items: readonly Elements[];
  /** Compressed pixels: the table of offsets, then the pieces. */
  readonly fragments: readonly Buffer[];
}

export interface DicomFile {
  /** UID of how the data set and its pixels are encoded. */
  readonly transferSyntax: string;
  readonly elements: Elements;
}

export const PIXEL_DATA = 0x7fe00010;
/** The one sequence that is looked into: the implicit encoding does not say which elements are sequences. */
export const ANATOMIC_REGION = 0x00082218;
const TRANSFER_SYNTAX = 0x00020010;
const ITEM = 0xfffee000;
const ITEM_END = 0xfffee00d;
const SEQUENCE_END = 0xfffee0dd;
const UNDEFINED = 0xffffffff;
const IMPLICIT = '1.2.840.10008.1.2';
/** Value representations whose length takes four bytes. */
const LONG = ['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'];
const DEEPEST = 16;

/** What is read where, and how. */
interface Cursor {
  readonly bytes: Buffer;
  at: number;
  readonly explicit: boolean;
  readonly depth: number;
  /** Stop before the pixels. */
  readonly headerOnly: boolean;
  readonly bad: (got: string) => DataError;
}

/** Whether bytes are those of a DICOM file. */
export function isDicom(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(132, bytes.length)).toString('latin1', 128) === 'DICM';
}

/**
 * Reads the elements of a DICOM file in little-endian byte order.
 *
 * @param headerOnly stop before the pixels, so that the beginning of the file is enough
 * @throws {DataError} `image/dicom` damaged, cut short, or in an encoding that is not read
 */
export function readDicom(data: Uint8Array, name: string, headerOnly = false): DicomFile {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
  const bad = (got: string): DataError =>
    new DataError('image/dicom', `${name}: expected a DICOM file, got ${got}`, 'Export the picture again, or as PNG.');
  if (!isDicom(data)) throw bad('another file');
  const meta: Cursor = { bytes, at: 132, explicit: true, depth: 0, headerOnly, bad };
  const head = readElements(meta, bytes.length, (tag) => tag >>> 16 !== 2);
  const transferSyntax = textOf(head, TRANSFER_SYNTAX);
  if (transferSyntax === '') throw bad('one that does not name its transfer syntax');
  if (transferSyntax === '1.2.840.10008.1.2.2' || transferSyntax === '1.2.840.10008.1.2.1.99')
    throw bad(`the transfer syntax ${transferSyntax}, which is not read (big-endian or deflated)`);
  const body: Cursor = { ...meta, explicit: transferSyntax !== IMPLICIT };
  return { transferSyntax, elements: readElements(body, bytes.length) };
}

/** The text of an element, without padding; of several values the first. Empty where there is none. */
export function textOf(elements: Elements, tag: number): string {
  const text = elements.get(tag)?.value.toString('utf8') ?? '';
  return (text.split('\\')[0] ?? '').replace(/[\0\s]+$/, '').trim();
}

/** A 16-bit number, or undefined. */
export function numberOf(elements: Elements, tag: number): number | undefined {
  const value = elements.get(tag)?.value;
  return value !== undefined && value.length >= 2 ? value.readUInt16LE(0) : undefined;
}

function readElements(cursor: Cursor, end: number, stopAt: (tag: number) => boolean = () => false): Elements {
  const { bytes, bad } = cursor;
  const elements = new Map<number, Element>();
  while (cursor.at < end) {
    if (cursor.at + 8 > end) throw bad('one that is cut short');
    const tag = tagAt(bytes, cursor.at);
    if (stopAt(tag) || (cursor.headerOnly && tag === PIXEL_DATA && cursor.depth === 0)) return elements;
    if (tag === ITEM_END) {
      cursor.at += 8;
      return elements;
    }
    cursor.at += 4;
    const { kind, length } = readLength(cursor, end);
    if (length === UNDEFINED && tag === PIXEL_DATA) {
      elements.set(tag, { value: Buffer.alloc(0), items: [], fragments: readFragments(cursor) });
    } else if (kind === 'SQ' || length === UNDEFINED || (kind === '' && tag === ANATOMIC_REGION)) {
      // An unknown value of undefined length is a sequence in the implicit encoding.
      const items = readItems(cursor, length, kind === 'UN' ? false : cursor.explicit);
      elements.set(tag, { value: Buffer.alloc(0), items, fragments: [] });
    } else {
      if (cursor.at + length > end) throw bad('one that is cut short');
      elements.set(tag, { value: bytes.subarray(cursor.at, cursor.at + length), items: [], fragments: [] });
      cursor.at += length;
    }
  }
  return elements;
}

function readLength(cursor: Cursor, end: number): { readonly kind: string; readonly length: number } {
  const { bytes, explicit, bad } = cursor;
  if (!explicit) {
    cursor.at += 4;
    return { kind: '', length: bytes.readUInt32LE(cursor.at - 4) };
  }
  const kind = bytes.toString('latin1', cursor.at, cursor.at + 2);
  if (!/^[A-Z]{2}$/.test(kind)) throw bad('an element without a type');
  if (!LONG.includes(kind)) {
    cursor.at += 4;
    return { kind, length: bytes.readUInt16LE(cursor.at - 2) };
  }
  cursor.at += 8;
  if (cursor.at > end) throw bad('one that is cut short');
  return { kind, length: bytes.readUInt32LE(cursor.at - 4) };
}

function readItems(cursor: Cursor, length: number, explicit: boolean): Elements[] {
  const { bytes, bad, depth } = cursor;
  if (depth >= DEEPEST) throw bad('sequences within sequences without end');
  const end = length === UNDEFINED ? bytes.length : cursor.at + length;
  if (end > bytes.length) throw bad('one that is cut short');
  const items: Elements[] = [];
  while (cursor.at < end) {
    if (cursor.at + 8 > end) throw bad('one that is cut short');
    const tag = tagAt(bytes, cursor.at);
    const size = bytes.readUInt32LE(cursor.at + 4);
    cursor.at += 8;
    if (tag === SEQUENCE_END) return items;
    if (tag !== ITEM) throw bad('a sequence with something else than items');
    const inner: Cursor = { ...cursor, explicit, depth: depth + 1 };
    const itemEnd = size === UNDEFINED ? end : cursor.at + size;
    if (itemEnd > end) throw bad('one that is cut short');
    items.push(readElements(inner, itemEnd));
    cursor.at = inner.at;
  }
  if (length === UNDEFINED) throw bad('one that is cut short');
  return items;
}

function readFragments(cursor: Cursor): Buffer[] {
  const { bytes, bad } = cursor;
  const fragments: Buffer[] = [];
  while (cursor.at + 8 <= bytes.length) {
    const tag = tagAt(bytes, cursor.at);
    const size = bytes.readUInt32LE(cursor.at + 4);
    cursor.at += 8;
    if (tag === SEQUENCE_END) return fragments;
    if (tag !== ITEM || cursor.at + size > bytes.length) break;
    fragments.push(bytes.subarray(cursor.at, cursor.at + size));
    cursor.at += size;
  }
  throw bad('compressed pixels that are cut short');
}

function tagAt(bytes: Buffer, at: number): number {
  return bytes.readUInt16LE(at) * 0x10000 + bytes.readUInt16LE(at + 2);
}
