import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumericError, ShapeError } from '../../../src/core/errors.ts';
import { crc32c } from '../../../src/train/tensorboard/crc32c.ts';
import { decodeEvent, type Event, encodeEvent } from '../../../src/train/tensorboard/event.ts';
import { readEventFile } from '../../../src/train/tensorboard/event-file.ts';
import { histogramOf } from '../../../src/train/tensorboard/histogram.ts';
import { decodeRecords, encodeRecord } from '../../../src/train/tensorboard/records.ts';

describe('crc32c', () => {
  it('has the published values', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    // RFC 3720, appendix B.4: 32 bytes of 0, of 0xff, ascending.
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(new Uint8Array(0))).toBe(0);
  });
});

describe('records', () => {
  const payloads = [Buffer.from('one'), Buffer.alloc(0), Buffer.from('three')];
  const file = Buffer.concat(payloads.map(encodeRecord));

  it('read back what was framed', () => {
    expect(decodeRecords(file)).toMatchObject({ payloads, soundBytes: file.length, fault: undefined });
  });

  it('stop at every possible cut, keeping the whole records before it', () => {
    for (let length = 0; length < file.length; length++) {
      const { payloads: kept, soundBytes, fault } = decodeRecords(file.subarray(0, length));
      expect(kept).toEqual(payloads.slice(0, kept.length));
      expect(fault === undefined).toBe(soundBytes === length);
    }
  });

  it('notice every single flipped bit', () => {
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = Buffer.from(file);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeRecords(damaged).fault).toBeDefined();
    }
  });
});

describe('events', () => {
  const wallTime = 1700000000.25;
  const golden: Event[] = [
    { wallTime, step: 0, fileVersion: 'brain.Event:2' },
    { wallTime, step: 0, summary: { tag: 'loss/train', kind: 'scalar', value: 0 } },
    { wallTime, step: 1, summary: { tag: 'loss/train', kind: 'scalar', value: Math.fround(0.7) } },
    { wallTime, step: 300, summary: { tag: 'Läsion/naïve', kind: 'scalar', value: Math.fround(-1.5e-8) } },
    {
      wallTime,
      step: 2 ** 40,
      summary: {
        tag: 'weights',
        kind: 'histogram',
        value: { min: -1, max: 2, num: 4, sum: 2, sumSquares: 6, bucketLimit: [-0.5, 0.5, 2], bucket: [1, 1, 2] },
      },
    },
    {
      wallTime,
      step: 3,
      summary: {
        tag: 'grid',
        kind: 'image',
        value: { width: 3, height: 200, png: Buffer.from('\x89PNG\0', 'latin1') },
      },
    },
  ];
  const file = new URL('../../golden/events.bin', import.meta.url);

  it("are read from a file made with Google's protobuf", () => {
    expect(readEventFile(file.pathname)).toEqual(golden);
  });

  it("are written to the byte as Google's protobuf does", () => {
    expect(Buffer.concat(golden.map((event) => encodeRecord(encodeEvent(event))))).toEqual(readFileSync(file));
  });

  it('survive any tag, step and value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.maxSafeNat(), fc.float({ noNaN: true }), (tag, step, value) => {
        const event: Event = { wallTime: 1, step, summary: { tag, kind: 'scalar', value } };
        expect(decodeEvent(encodeEvent(event), 'test')).toEqual(event);
      }),
    );
  });

  it('refuse bytes that are no message, and never fail otherwise', () => {
    expect(() => decodeEvent(Uint8Array.of(0x0a, 0x7f), 'here')).toThrow('here: expected a protobuf message');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          decodeEvent(bytes, 'here');
        } catch (error) {
          expect(error).toHaveProperty('code', 'tensorboard/event');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('histogramOf', () => {
  it('puts every value into the bucket that holds it', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 1 }), (values) => {
        const h = histogramOf(Float32Array.from(values), 7);
        expect(h.bucket.reduce((a, b) => a + b)).toBe(values.length);
        expect(h.num).toBe(values.length);
        expect(h.bucketLimit).toHaveLength(h.bucket.length);
        expect(h.bucketLimit.at(-1)).toBe(h.max);
        expect(h.sum).toBeCloseTo(
          values.reduce((a, b) => a + b),
          3,
        );
      }),
    );
    expect(histogramOf([0, 1, 1, 2, 3, 4], 4)).toEqual({
      min: 0,
      max: 4,
      num: 6,
      sum: 11,
      sumSquares: 31,
      bucketLimit: [1, 2, 3, 4],
      bucket: [1, 2, 1, 2],
    });
    expect(histogramOf([5, 5])).toMatchObject({ min: 5, max: 5, bucketLimit: [5], bucket: [2] });
  });

  it('refuses nothing, and what is not finite', () => {
    expect(() => histogramOf([])).toThrow(ShapeError);
    expect(() => histogramOf([1, Number.NaN])).toThrow(NumericError);
  });
});
