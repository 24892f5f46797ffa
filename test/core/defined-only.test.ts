import fc from 'fast-check';
import { expect, it } from 'vitest';
import { definedOnly } from '../../src/core/defined-only.ts';

it('definedOnly keeps what is set, null and falsy values too', () => {
  expect(definedOnly({ a: undefined, b: null, c: 0, d: '', e: false, f: Number.NaN })).toEqual({
    b: null,
    c: 0,
    d: '',
    e: false,
    f: Number.NaN,
  });
  expect(Object.keys(definedOnly({ a: undefined }))).toEqual([]);
});

it('definedOnly of any object has its defined entries, in order, and leaves the object alone', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.option(fc.anything(), { nil: undefined })), (object) => {
      const before = Object.entries(object);
      expect(Object.entries(definedOnly(object))).toEqual(before.filter(([, value]) => value !== undefined));
      expect(Object.entries(object)).toEqual(before);
    }),
  );
});
