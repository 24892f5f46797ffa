import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Literal, parseLiteral, parseScriptModule } from '../../src/backbone/importers/script-module.ts';
import { ModelError } from '../../src/core/errors.ts';

/** JSON written as a minifier would: bare keys, `!0`, `.5`. */
function minified(value: Literal): string {
  if (value === true) return '!0';
  if (value === false) return '!1';
  if (typeof value === 'number') return String(value).replace(/^(-?)0\./, '$1.');
  if (Array.isArray(value)) return `[${value.map(minified).join(',')}]`;
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value)
      .map(([k, v]) => `${/^[A-Za-z_$][\w$]*$/.test(k) ? k : JSON.stringify(k)}:${minified(v)}`)
      .join(',')}}`;
  return JSON.stringify(value);
}

const json = fc.jsonValue({ maxDepth: 4 }).map((v): Literal => JSON.parse(JSON.stringify(v)));

describe('parseLiteral', () => {
  it('reads what minifiers write', () => {
    expect(
      parseLiteral("{a:.5,b:-.25,c:!0,d:!1,e:null,'f g':[1,,].length?1:2}".replace('[1,,].length?1:2', '[1,2,]'), 't'),
    ).toEqual({ a: 0.5, b: -0.25, c: true, d: false, e: null, 'f g': [1, 2] });
    expect(parseLiteral('[1e-7,7779459085534601e-20,0xff,void 0,-0]', 't')).toEqual([
      1e-7,
      7779459085534601e-20,
      255,
      null,
      -0,
    ]);
    expect(parseLiteral(String.raw`'it\'s \x41\u0042\u{43}\n'`, 't')).toBe("it's ABC\n");
    expect(parseLiteral('/* a */ [ 1 , // one\n 2 ]', 't')).toEqual([1, 2]);
  });

  it('reads any JSON, as it is and minified', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parseLiteral(JSON.stringify(value), 't')).toEqual(value);
        expect(parseLiteral(minified(value), 't')).toEqual(value);
      }),
    );
  });

  it('takes __proto__ for a key like another', () => {
    const value = parseLiteral('{__proto__:{polluted:1}}', 't');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value ?? {})).toEqual(['__proto__']);
  });

  it.each([
    ['{a:1', 't:1:5: expected "," or "}", got the end of the file'],
    ['{a 1}', 't:1:4: expected ":", got "1}"'],
    ['[1 2]', 't:1:4: expected "," or "]", got "2]"'],
    ['{\n a: fetch("x")}', 't:2:5: expected a value, got "fetch(\\"x\\")}"'],
    ['"abc', 't:1:2: expected a closing ", got "abc"'],
    ['`$' + '{1}`', 't:1:2: expected a template without expressions, got "$' + '{1}`"'],
    ['1 + 1', 't:1:3: expected the end, got "+ 1"'],
    ['12px', 't:1:1: expected a value, got "12px"'],
    ['', 't:1:1: expected a value, got the end of the file'],
  ])('says where %j is wrong', (text, message) => {
    expect(() => parseLiteral(text, 't')).toThrow(new ModelError('script/syntax', message));
  });

  it('does not exhaust the stack', () => {
    expect(() => parseLiteral('['.repeat(100_000), 't')).toThrow('nesting of at most 500 levels');
  });

  it('answers text of any kind with a value or a ModelError', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      "'",
      '`',
      '\\',
      '!0',
      '.5',
      '-',
      'a',
      ' ',
      '$',
      '\\u',
      '1',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 20 }).map((p) => p.join('')),
    );
    fc.assert(
      fc.property(text, (t) => {
        try {
          parseLiteral(t, 't');
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('parseScriptModule', () => {
  const wrap = (literal: string): string =>
    `!function(a){if("object"==typeof exports)module.exports=a();else window.m=a()}(function(){return function(n){var c={exports:{}};return n(c)}({1:[function(a,n,i){n.exports=${literal}},{}]},{},[1])(1)});`;

  it('finds the export behind the prelude', () => {
    expect(parseScriptModule(wrap('{a:[1]}'), 't')).toEqual({ a: [1] });
    expect(parseScriptModule(wrap('"QUJD"'), 't')).toBe('QUJD');
  });

  it('refuses a script without one', () => {
    expect(() => parseScriptModule('module.exports=f()', 't')).toThrow(ModelError);
    expect(() => parseScriptModule(wrap('{a:require("fs")}'), 't')).toThrow('expected a value');
  });

  it('survives cutting anywhere', () => {
    const whole = wrap('{a:[1,"two",{b:!0}],c:-.5}');
    fc.assert(
      fc.property(fc.nat(whole.length), (end) => {
        try {
          expect(parseScriptModule(whole.slice(0, end), 't')).toEqual({ a: [1, 'two', { b: true }], c: -0.5 });
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
        }
      }),
    );
  });
});
