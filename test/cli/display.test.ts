import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Display, type DisplayOptions, displayFor } from '../../src/cli/display.ts';
import type { EpochSummary } from '../../src/cli/epoch-line.ts';
import { textWidth } from '../../src/cli/text-width.ts';

/** A display whose clock stands still until told, and what it wrote. */
function fake(options: Partial<Omit<DisplayOptions, 'stream' | 'now'>> & { isTTY?: boolean; columns?: number } = {}) {
  const { isTTY = false, columns = 80, ...rest } = options;
  const written: string[] = [];
  let time = Date.UTC(2024, 0, 1);
  const display: Display = displayFor({
    mode: 'normal',
    ...rest,
    stream: { write: (text: string) => written.push(text), isTTY, columns },
    now: () => time,
  });
  return {
    display,
    written,
    wait: (milliseconds: number) => {
      time += milliseconds;
    },
    /** What a terminal would show: a line that is cleared or overwritten is gone. */
    screen: () =>
      written
        .join('')
        .split('\n')
        .map((line) => line.split('\r\x1b[2K').at(-1)!),
    json: () => written.map((text): unknown => JSON.parse(text)),
  };
}

const features = (done: number, total = 100) => ({ stage: 'features', done, total, unit: 'images' });
const report: EpochSummary = {
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

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('progress on a terminal', () => {
  it('draws one line at most ten times a second, with rate and time left', () => {
    const t = fake({ isTTY: true });
    for (let done = 0; done < 100; done++) {
      t.display.progress(features(done));
      t.wait(20);
    }
    // 2 seconds.
    expect(t.written.length).toBeGreaterThan(15);
    expect(t.written.length).toBeLessThanOrEqual(21);
    expect(t.written.every((text) => text.startsWith('\r\x1b[2K') && !text.includes('\n'))).toBe(true);
    expect(t.written.at(-1)).toContain('95/100 images  50.0/s  ETA 0.1 s');
  });

  it('replaces the line by a summary at the end, once', () => {
    const t = fake({ isTTY: true });
    t.display.progress(features(0));
    t.wait(4000);
    t.display.progress(features(100));
    t.display.progress(features(100));
    expect(t.screen()).toEqual(['features      100 images in 4.0 s  (25.0/s)', '']);
  });

  it('leaves no line behind a stage that is passing', () => {
    const t = fake({ isTTY: true, color: false });
    t.display.progress({ ...features(0), transient: true });
    t.wait(4000);
    t.display.progress({ ...features(100), transient: true });
    t.display.epoch(report);
    expect(t.screen()).toHaveLength(2);
    expect(t.screen()[0]).toMatch(/^head .* 3\/50/);
  });

  it('takes the line away for other text, and draws it again', () => {
    const t = fake({ isTTY: true });
    t.display.progress(features(1));
    t.display.note('written');
    t.wait(100);
    t.display.progress(features(2));
    expect(t.screen()[0]).toBe('written');
    expect(t.screen()[1]).toContain('2/100 images');
    t.display.end();
    expect(t.screen()).toEqual(['written', '']);
  });

  it('never reaches the last column', () => {
    const t = fake({ isTTY: true, columns: 30 });
    t.display.progress({ ...features(1), stage: '特徴量の抽出と保存' });
    expect(textWidth(t.screen()[0]!)).toBeLessThanOrEqual(29);
  });

  it('smooths the rate: it follows a change within seconds, without jumping', () => {
    const t = fake({ isTTY: true });
    let done = 0;
    const rates: number[] = [];
    for (let k = 0; k < 120; k++) {
      t.display.progress(features(done, 10_000));
      rates.push(Number(/([\d.]+)\/s/.exec(t.screen().at(-1)!)?.[1] ?? Number.NaN));
      t.wait(500);
      done += k < 60 ? 20 : 5;
    }
    expect(rates[1]).toBeCloseTo(40, 5);
    expect(rates[59]).toBeCloseTo(40, 5);
    expect(rates[62]).toBeGreaterThan(30);
    expect(rates.at(-1)).toBeGreaterThan(9.9);
    expect(rates.at(-1)).toBeLessThan(11);
  });

  it('does not count what a resumed stage found done', () => {
    const t = fake({ isTTY: true });
    t.display.progress(features(50));
    t.wait(1000);
    t.display.progress(features(60));
    expect(t.screen()[0]).toContain('10.0/s  ETA 4.0 s');
    t.wait(4000);
    t.display.progress(features(100));
    expect(t.screen()[0]).toBe('features      100 images in 5.0 s  (10.0/s)');
  });
});

describe('progress without a terminal', () => {
  it('is a plain line about every 30 seconds and one at the end', () => {
    const t = fake();
    for (let second = 0; second <= 100; second++) {
      t.display.progress(features(second));
      t.wait(1000);
    }
    expect(t.screen()).toEqual([
      'features       30/100 images  1.00/s  ETA 1:10',
      'features       60/100 images  1.00/s  ETA 40.0 s',
      'features       90/100 images  1.00/s  ETA 10.0 s',
      'features      100 images in 1:40  (1.00/s)',
      '',
    ]);
    expect(t.written.join('')).not.toContain('\x1b');
  });
});

describe('modes', () => {
  const everything = (display: Display): void => {
    display.heading('Training');
    display.progress(features(0));
    display.progress(features(100));
    display.note('a note');
    display.epoch(report);
    display.table('Data', ['label', 'n'], [['mel', 3]]);
    display.warn('two files cannot be read');
    display.result('train', { auc: 0.9 }, 'AUC 0.900');
    display.end();
  };

  it('says only warnings and results when quiet', () => {
    const t = fake({ mode: 'quiet', isTTY: true, color: false });
    everything(t.display);
    expect(t.screen()).toEqual(['warning: two files cannot be read', 'AUC 0.900', '']);
  });

  it('is one JSON object a line, whatever happens', () => {
    const t = fake({ mode: 'json', isTTY: true, color: true });
    everything(t.display);
    expect(t.written.every((text) => text.indexOf('\n') === text.length - 1)).toBe(true);
    expect(t.json()).toMatchObject([
      { event: 'heading', text: 'Training', time: '2024-01-01T00:00:00.000Z' },
      { event: 'progress', stage: 'features', done: 100, total: 100, unit: 'images', seconds: 0 },
      { event: 'note', text: 'a note' },
      { event: 'epoch', epoch: 3, valLoss: 0.95, auc: 0.8834, frozen: 'trunk' },
      { event: 'table', title: 'Data', headers: ['label', 'n'], rows: [['mel', 3]] },
      { event: 'warning', text: 'two files cannot be read' },
      { event: 'result', name: 'train', auc: 0.9 },
    ]);
  });

  it('tells progress once a second in JSON', () => {
    const t = fake({ mode: 'json' });
    for (let done = 0; done < 50; done++) {
      t.display.progress(features(done));
      t.wait(100);
    }
    expect(t.json()).toHaveLength(4);
    expect(t.json()[0]).toMatchObject({ done: 10, perSecond: expect.closeTo(10), secondsLeft: expect.closeTo(9) });
  });

  it('hides no number that is not finite behind null', () => {
    const t = fake({ mode: 'json' });
    t.display.epoch({ ...report, valLoss: Number.NaN });
    expect(t.json()[0]).toMatchObject({ valLoss: 'NaN' });
  });

  it('colours only on a terminal that wants it', () => {
    const plain = fake();
    plain.display.warn('x');
    expect(plain.written).toEqual(['warning: x\n']);
    const coloured = fake({ color: true });
    coloured.display.warn('x');
    expect(coloured.written[0]).toContain('\x1b[33m');
  });

  it('keeps two displays apart', () => {
    const a = fake({ isTTY: true });
    const b = fake({ isTTY: true });
    a.display.progress(features(1));
    b.display.note('b');
    expect(b.written).toEqual(['b\n']);
  });
});
