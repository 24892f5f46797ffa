import fc from 'fast-check';
import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { type EpochSummary, epochLine } from '../../src/cli/epoch-line.ts';
import { duration, grouped, perSecond } from '../../src/cli/format.ts';
import { sparkline } from '../../src/cli/sparkline.ts';
import { table } from '../../src/cli/table.ts';
import { cut, pad, printable, textWidth } from '../../src/cli/text-width.ts';

const plain = createColors(false);

describe('textWidth', () => {
  it.each([
    ['', 0],
    ['abc', 3],
    ['naïve', 5],
    ['nai\u0308ve', 5],
    ['黒色腫', 6],
    ['ｆｕｌｌ', 8],
    ['피부', 4],
    ['👍🏽', 2],
    ['👩‍⚕️', 2],
    ['↓ → – █', 7],
    ['\x1b[31mred\x1b[39m', 3],
  ])('%j fills %i columns', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  it('is what pad and cut keep to', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }).map(printable), fc.integer({ min: 1, max: 20 }), (text, width) => {
        expect(textWidth(cut(text, width))).toBeLessThanOrEqual(width);
        expect(textWidth(pad(text, width))).toBe(Math.max(width, textWidth(text)));
        if (textWidth(text) <= width) expect(cut(text, width)).toBe(text);
      }),
    );
    expect(cut('melanoma', 5)).toBe('mela…');
    expect(cut('黒色腫', 4)).toBe('黒…');
    expect(pad('7', 3, 'right')).toBe('  7');
  });

  it('disarms what could drive the terminal', () => {
    expect(printable('a\x1b[2Jb\nc\u202ed')).toBe('a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d');
  });
});

describe('table', () => {
  it('aligns columns: text left, numbers right', () => {
    expect(
      table(
        ['class', 'n', 'share', 'note'],
        [
          ['mel', 1113, '11.1 %', 'x'],
          ['黒色腫', 7, '0.1 %'],
          ['nv', '', '–', 'long note'],
        ],
      ),
    ).toEqual([
      'class      n   share  note',
      '──────  ────  ──────  ─────────',
      'mel     1113  11.1 %  x',
      '黒色腫     7   0.1 %',
      'nv                 –  long note',
    ]);
  });

  it('has a header without rows, and survives control characters', () => {
    expect(table(['a', 'b'], [])).toEqual(['a  b', '─  ─']);
    expect(table(['file'], [['a\nb\x1b[0m']])[2]).toBe('a\u{FFFD}b\u{FFFD}[0m');
  });
});

describe('sparkline', () => {
  it('spans the values', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([3, 3])).toBe('▅▅');
    expect(sparkline([])).toBe('');
    expect(sparkline([0, Number.NaN, 1])).toBe('▁ █');
    expect(sparkline([Number.NaN])).toBe(' ');
  });

  it('averages what does not fit', () => {
    const ramp = Array.from({ length: 1000 }, (_, i) => i);
    expect(sparkline(ramp, 8)).toBe('▁▂▃▄▅▆▇█');
    expect([...sparkline(ramp)]).toHaveLength(40);
  });
});

describe('numbers', () => {
  it('show durations', () => {
    expect([0, 8.26, 59.94, 59.96, 163, 3599.6, 3725].map(duration)).toEqual([
      '0.0 s',
      '8.3 s',
      '59.9 s',
      '1:00',
      '2:43',
      '1:00:00',
      '1:02:05',
    ]);
  });

  it('show counts and rates', () => {
    expect([7, 8012, 1e6].map(grouped)).toEqual(['7', '8,012', '1,000,000']);
    expect([0.5, 9.994, 41.66, 99.96, 1234.5].map(perSecond)).toEqual(['0.50', '9.99', '41.7', '100', '1,235']);
  });
});

describe('epochLine', () => {
  const first: EpochSummary = {
    markers: [],
    epoch: 3,
    epochs: 50,
    phase: 'head',
    trainLoss: 0.81234,
    valLoss: 0.95,
    accuracy: 0.7123,
    auc: 0.8834,
    lr: 1e-3,
    frozen: 'trunk',
    seconds: 8.3,
  };
  const second: EpochSummary = {
    ...first,
    epoch: 12,
    phase: 'fine-tune',
    trainLoss: 12.5,
    accuracy: 1,
    auc: { undefined: 'no positive example' },
    lr: 6e-5,
    frozen: 'up to mixed8 and then some',
    seconds: 163,
    markers: [
      { kind: 'best' },
      { kind: 'rate', from: 1e-4, to: 6e-5 },
      { kind: 'thaw', layer: 'block_15' },
      { kind: 'stop', reason: 'no better for 12 epochs' },
    ],
  };

  it('aligns epochs, within 100 columns', () => {
    const lines = [...epochLine(first, plain), ...epochLine(second, plain)];
    expect(lines).toEqual([
      'head        3/50  loss 0.8123  val 0.9500  acc  71.2%  auc 0.883  lr 1.0e-3    8.3 s    trunk',
      'fine-tune  12/50  loss 12.500  val 0.9500  acc 100.0%  auc   –    lr 6.0e-5     2:43  * up to mixed…',
      '           ↓ learning rate 1.0e-4 → 6.0e-5',
      '           + thawed block_15',
      '           ■ stopped: no better for 12 epochs',
    ]);
  });

  it('stays within 100 columns at the extremes', () => {
    const wide: EpochSummary = {
      ...second,
      epoch: 100,
      epochs: 100,
      trainLoss: 12345.6,
      phase: 'fine-tune',
      frozen: 'a very long description of what is frozen',
      seconds: 36_000,
    };
    expect(Math.max(...epochLine(wide, plain).map(textWidth))).toBeLessThanOrEqual(100);
  });

  it('colours without moving anything', () => {
    const coloured = epochLine(second, createColors(true));
    expect(coloured.map(textWidth)).toEqual(epochLine(second, plain).map(textWidth));
    expect(coloured[0]).toContain('\x1b[');
  });
});
