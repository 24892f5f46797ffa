const SEGMENTER = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Colours and the like: ESC [ … letter. */
const STYLES = /\p{Cc}\[[0-9;]*[A-Za-z]/gu;

/** First code points that fill two columns: East Asian wide and full-width forms. */
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
];

/** Columns that a text fills on a terminal: styles fill none, accents none, CJK and emoji two. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of SEGMENTER.segment(text.replace(STYLES, ''))) width += graphemeWidth(segment);
  return width;
}

function graphemeWidth(grapheme: string): number {
  const code = grapheme.codePointAt(0)!;
  if (/^[\p{Cc}\p{Cf}\p{Mn}]/u.test(grapheme)) return 0;
  if (/\p{Emoji_Presentation}|\uFE0F/u.test(grapheme)) return 2;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** Fills a text with spaces up to a width. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const spaces = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + spaces : spaces + text;
}

/** A text without styles, cut to a width; an ellipsis stands for what is lost. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let out = '';
  let room = width - 1;
  for (const { segment } of SEGMENTER.segment(text)) {
    room -= graphemeWidth(segment);
    if (room < 0) break;
    out += segment;
  }
  return width < 1 ? '' : `${out}…`;
}

/** Text from files and folders, made harmless: control characters, which could drive the terminal, become `\u{FFFD}`. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\u{FFFD}');
}
