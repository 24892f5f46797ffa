import { DataError } from '../../core/errors.ts';
import type { Histogram } from './histogram.ts';
import {
  bytesField,
  doubleField,
  doublesField,
  type Field,
  fieldsOf,
  floatField,
  integerField,
  message,
} from './wire.ts';

/** A picture as TensorBoard takes it: an encoded file. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

/** One value under a tag. */
export type Summary = { readonly tag: string } & (
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'histogram'; readonly value: Histogram }
  | { readonly kind: 'image'; readonly value: Picture }
);

/** One record of an event file: the mark at its start, or a value at a step. */
export interface Event {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** `brain.Event:2`, in the first event only. */
  readonly fileVersion?: string;
  readonly summary?: Summary;
}

/** Field numbers of TensorFlow's event.proto and summary.proto. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, image: 4, histogram: 5 } as const;
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 } as const;
const HISTOGRAM = { min: 1, max: 2, num: 3, sum: 4, sumSquares: 5, bucketLimit: 6, bucket: 7 } as const;
/** `Image.colorspace`. */
const RGB = 3;

/** An event as a protobuf message. Scalars are stored as float32. */
export function encodeEvent({ wallTime, step, fileVersion, summary }: Event): Uint8Array {
  return message(
    doubleField(EVENT.wallTime, wallTime),
    // Protobuf leaves out a zero.
    ...(step === 0 ? [] : [integerField(EVENT.step, step)]),
    ...(fileVersion === undefined ? [] : [bytesField(EVENT.fileVersion, fileVersion)]),
    ...(summary === undefined ? [] : [bytesField(EVENT.summary, bytesField(SUMMARY.value, encodeValue(summary)))]),
  );
}

function encodeValue(summary: Summary): Uint8Array {
  const tag = bytesField(VALUE.tag, summary.tag);
  switch (summary.kind) {
    case 'scalar':
      return message(tag, floatField(VALUE.simpleValue, summary.value));
    case 'image': {
      const { width, height, png } = summary.value;
      const image = message(
        integerField(IMAGE.height, height),
        integerField(IMAGE.width, width),
        integerField(IMAGE.colorspace, RGB),
        bytesField(IMAGE.encoded, png),
      );
      return message(tag, bytesField(VALUE.image, image));
    }
    case 'histogram': {
      const { min, max, num, sum, sumSquares, bucketLimit, bucket } = summary.value;
      const histogram = message(
        doubleField(HISTOGRAM.min, min),
        doubleField(HISTOGRAM.max, max),
        doubleField(HISTOGRAM.num, num),
        doubleField(HISTOGRAM.sum, sum),
        doubleField(HISTOGRAM.sumSquares, sumSquares),
        doublesField(HISTOGRAM.bucketLimit, bucketLimit),
        doublesField(HISTOGRAM.bucket, bucket),
      );
      return message(tag, bytesField(VALUE.histogram, histogram));
    }
  }
}

/**
 * Reads an event. Fields that nevus does not write are passed over.
 *
 * @param where named in the error
 * @throws {DataError} if the bytes are not a protobuf message
 */
export function decodeEvent(bytes: Uint8Array, where: string): Event {
  const event = fieldMap(bytes, where);
  const version = event.get(EVENT.fileVersion);
  const summary = event.get(EVENT.summary);
  const value = summary === undefined ? undefined : fieldMap(bytesOf(summary), where).get(SUMMARY.value);
  const decoded = value === undefined ? undefined : decodeValue(bytesOf(value), where);
  return {
    wallTime: doubleOf(event.get(EVENT.wallTime)),
    step: integerOf(event.get(EVENT.step)),
    ...(version === undefined ? {} : { fileVersion: textOf(version) }),
    ...(decoded === undefined ? {} : { summary: decoded }),
  };
}

function decodeValue(bytes: Uint8Array, where: string): Summary | undefined {
  const fields = fieldMap(bytes, where);
  const tag = textOf(fields.get(VALUE.tag));
  const scalar = fields.get(VALUE.simpleValue);
  if (scalar !== undefined) return { tag, kind: 'scalar', value: floatOf(scalar) };
  const image = fields.get(VALUE.image);
  if (image !== undefined) {
    const parts = fieldMap(bytesOf(image), where);
    const width = integerOf(parts.get(IMAGE.width));
    const height = integerOf(parts.get(IMAGE.height));
    return { tag, kind: 'image', value: { width, height, png: bytesOf(parts.get(IMAGE.encoded)) } };
  }
  const histogram = fields.get(VALUE.histogram);
  if (histogram === undefined) return undefined;
  const parts = fieldMap(bytesOf(histogram), where);
  return {
    tag,
    kind: 'histogram',
    value: {
      min: doubleOf(parts.get(HISTOGRAM.min)),
      max: doubleOf(parts.get(HISTOGRAM.max)),
      num: doubleOf(parts.get(HISTOGRAM.num)),
      sum: doubleOf(parts.get(HISTOGRAM.sum)),
      sumSquares: doubleOf(parts.get(HISTOGRAM.sumSquares)),
      bucketLimit: doublesOf(parts.get(HISTOGRAM.bucketLimit)),
      bucket: doublesOf(parts.get(HISTOGRAM.bucket)),
    },
  };
}

type FieldValue = Field['value'] | undefined;

function fieldMap(bytes: Uint8Array, where: string): Map<number, Field['value']> {
  const fields = fieldsOf(bytes);
  if (fields === undefined) {
    throw new DataError('tensorboard/event', `${where}: expected a protobuf message, got other bytes`);
  }
  return new Map(fields.map(({ field, value }) => [field, value]));
}

// A field that is absent has protobuf's default: 0, or nothing.
const bytesOf = (value: FieldValue): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));
const textOf = (value: FieldValue): string => bytesOf(value).toString('utf8');
const integerOf = (value: FieldValue): number => (typeof value === 'number' ? value : 0);
const floatOf = (value: FieldValue): number => (bytesOf(value).length === 4 ? bytesOf(value).readFloatLE() : 0);
const doubleOf = (value: FieldValue): number => doublesOf(value)[0] ?? 0;
const doublesOf = (value: FieldValue): number[] =>
  Array.from({ length: Math.floor(bytesOf(value).length / 8) }, (_, i) => bytesOf(value).readDoubleLE(8 * i));
