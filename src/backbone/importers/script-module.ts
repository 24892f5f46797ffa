/**
 * Data out of a script module, read as text. Some packages ship JSON and base64 as minified JavaScript: a loader's
 * prelude and then `x.exports = LITERAL`. The literal is parsed here; no part of the script is ever executed.
 */
import { ModelError } from '../../core/errors.ts';

/** What a JavaScript literal without expressions can hold. */
export type Literal = null | boolean | number | string | readonly Literal[] | { readonly [key: string]: Literal };

/**
 * The literal that a script module exports: the first `.exports =` that is followed by an object, an array or a string.
 *
 * @param text the script
 * @param where how messages name it
 * @throws {ModelError} no such export, or something in it that is not a literal, with the line and column
 */
export function parseScriptModule(text: string, where: string): Literal {
  const start = /\.exports\s*=\s*(?=[{["'`])/.exec(text);
  if (start === null)
    throw new ModelError(
      'script/export',
      `${where}: expected a script module with "exports = {…}", got ${text.length} characters without one`,
    );
  return parseLiteralAt(text, start.index + start[0].length, where).value;
}

/**
 * One JavaScript literal: objects (keys quoted or not), arrays, strings, numbers (`.5`, `-3`, `1e-9`, `0xff`), `true`,
 * `false`, `null`, and what minifiers write for them: `!0`, `!1`, `void 0` (read as null).
 *
 * @throws {ModelError} if the text is not exactly one literal
 */
export function parseLiteral(text: string, where: string): Literal {
  const { value, end } = parseLiteralAt(text, 0, where);
  const rest = /\S/.exec(text.slice(end));
  if (rest !== null) throw unexpected(text, end + rest.index, 'the end', where);
  return value;
}

/** Deeper nesting than any real file has; keeps a malicious one from exhausting the stack. */
const MAX_DEPTH = 500;

const NUMBER = /[+-]?(?:0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w$.])/y;
const IDENTIFIER = /[A-Za-z_$][\w$]*/y;
const SPACE = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y;
const WORD = /(?:!0|!1|true|false|null|undefined|void 0)(?![\w$.])/y;
const WORDS: Readonly<Record<string, Literal>> = {
  '!0': true,
  '!1': false,
  true: true,
  false: false,
  null: null,
  undefined: null,
  'void 0': null,
};

function parseLiteralAt(text: string, start: number, where: string): { value: Literal; end: number } {
  let at = start;

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  /** Skips white space and takes the character if it is next. */
  const take = (character: string): boolean => {
    match(SPACE);
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const fail = (expected: string): ModelError => unexpected(text, at, expected, where);

  const quoted = (quote: string): string => {
    const from = ++at;
    const close = text.indexOf(quote, from);
    if (close < 0) throw fail(`a closing ${quote}`);
    const plain = text.slice(from, close);
    const special = quote === '`' ? /[\\$]/ : /[\\\n]/;
    if (!special.test(plain)) {
      at = close + 1;
      return plain;
    }
    let out = '';
    for (;;) {
      const c = text[at];
      if (c === quote) {
        at++;
        return out;
      }
      if (c === undefined || (c === '\n' && quote !== '`')) throw fail(`a closing ${quote}`);
      if (c === '$' && quote === '`' && text[at + 1] === '{') throw fail('a template without expressions');
      if (c === '\\') out += escaped();
      else {
        out += c;
        at++;
      }
    }
  };
  const escaped = (): string => {
    const found = match(/\\(?:u\{[\da-fA-F]{1,6}\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|\r\n|[^ux1-9])/y);
    if (found === undefined) throw fail('an escape sequence');
    const kind = found[1]!;
    if (kind === 'u' || kind === 'x') {
      const code = Number.parseInt(found.replace(/[^\da-fA-F]/g, ''), 16);
      if (code > 0x10ffff) throw fail('an escape sequence');
      return String.fromCodePoint(code);
    }
    return ESCAPES[kind] ?? kind;
  };

  const value = (depth: number): Literal => {
    if (depth > MAX_DEPTH) throw fail(`nesting of at most ${MAX_DEPTH} levels`);
    match(SPACE);
    const c = text[at];
    if (c === '"' || c === "'" || c === '`') return quoted(c);
    if (take('{')) return object(depth);
    if (take('[')) return array(depth);
    const word = match(WORD);
    if (word !== undefined) return WORDS[word] ?? null;
    const number = match(NUMBER);
    if (number === undefined) throw fail('a value');
    return number.startsWith('-') ? -Number(number.slice(1)) : Number(number);
  };
  const array = (depth: number): Literal => {
    const items: Literal[] = [];
    while (!take(']')) {
      if (items.length > 0 && !take(',')) throw fail('"," or "]"');
      if (items.length > 0 && take(']')) break;
      items.push(value(depth + 1));
    }
    return items;
  };
  const object = (depth: number): Literal => {
    const entries: [string, Literal][] = [];
    while (!take('}')) {
      if (entries.length > 0 && !take(',')) throw fail('"," or "}"');
      if (entries.length > 0 && take('}')) break;
      match(SPACE);
      const c = text[at];
      const key = c === '"' || c === "'" ? quoted(c) : (match(IDENTIFIER) ?? match(NUMBER));
      if (key === undefined) throw fail('a key');
      if (!take(':')) throw fail('":"');
      entries.push([key, value(depth + 1)]);
    }
    // Own properties only, whatever the keys are called: `__proto__` is a key like another.
    return Object.fromEntries(entries);
  };

  const result = value(0);
  return { value: result, end: at };
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  0: '\0',
  '\n': '',
  '\r\n': '',
  '\r': '',
};

function unexpected(text: string, at: number, expected: string, where: string): ModelError {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - before.lastIndexOf('\n');
  const got = at >= text.length ? 'the end of the file' : JSON.stringify(text.slice(at, at + 20));
  return new ModelError('script/syntax', `${where}:${line}:${column}: expected ${expected}, got ${got}`);
}
