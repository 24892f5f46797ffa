import picocolors from 'picocolors';
import type { OnProgress, Progress } from '../core/events.ts';
import { type EpochSummary, epochLine, type Paint } from './epoch-line.ts';
import { duration, grouped, perSecond } from './format.ts';
import { type Rate, rateFrom } from './rate.ts';
import { type Cell, table } from './table.ts';
import { cut, pad } from './text-width.ts';

/** Where lines go: `process.stdout`, or anything like it. */
export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface DisplayOptions {
  /** normal: for people. quiet: warnings and results only. json: one JSON object a line, for programs. */
  readonly mode: 'normal' | 'quiet' | 'json';
  readonly stream: OutputStream;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** Default: on a terminal, unless `NO_COLOR` is set; anywhere with `FORCE_COLOR`. */
  readonly color?: boolean;
}

/** What a command tells the user. */
export interface Display {
  /** How far a stage has come. Call it as often as you like. */
  readonly progress: OnProgress;
  /** One line, such as where something was written. */
  note(text: string): void;
  /** The start of a part. */
  heading(text: string): void;
  /** Something that the user should know even when quiet. */
  warn(text: string): void;
  epoch(report: EpochSummary): void;
  table(title: string, headers: readonly string[], rows: readonly (readonly Cell[])[]): void;
  /** What the command was for: the text for people (also when quiet), the data for programs. */
  result(name: string, data: Readonly<Record<string, unknown>>, text: string): void;
  /** Takes the progress line away. Call it before anything else writes to the terminal, and at the end. */
  end(): void;
  readonly paint: Paint;
}

/** Milliseconds between redraws: on a terminal, as plain lines, as JSON. */
const REDRAW = { terminal: 100, plain: 30_000, json: 1000 } as const;
const BAR = 20;

/** A display in one of the three modes. It holds the stage in progress and nothing global. */
export function displayFor({ mode, stream, now = Date.now, color = colorOn(stream) }: DisplayOptions): Display {
  const paint = picocolors.createColors(color);
  const terminal = mode === 'normal' && stream.isTTY === true;
  const line = progressLine({ mode, stream, now, terminal, json });

  /** JSON has no NaN: a number that is not finite is written as text, never as null. */
  function json(event: string, data: Readonly<Record<string, unknown>>): void {
    const object = { event, time: new Date(now()).toISOString(), ...data };
    const text = JSON.stringify(object, (_, value) =>
      typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
    );
    stream.write(`${text}\n`);
  }
  const print = (lines: readonly string[]): void => {
    line.clear();
    stream.write(lines.map((text) => `${text}\n`).join(''));
  };
  /** For people in normal mode, for programs in JSON. */
  const tell = (event: string, data: Readonly<Record<string, unknown>>, lines: () => readonly string[]): void => {
    if (mode === 'json') json(event, data);
    else if (mode === 'normal') print(lines());
  };
  /** The same, and for people who want quiet too. */
  const always = (event: string, data: Readonly<Record<string, unknown>>, lines: readonly string[]): void => {
    if (mode === 'json') json(event, data);
    else print(lines);
  };

  return {
    paint,
    progress: line.progress,
    end: line.clear,
    note: (text) => tell('note', { text }, () => [text]),
    heading: (text) => tell('heading', { text }, () => ['', paint.bold(text)]),
    warn: (text) => always('warning', { text }, [`${paint.yellow('warning:')} ${text}`]),
    epoch: (report) => tell('epoch', { ...report }, () => epochLine(report, paint)),
    table: (title, headers, rows) =>
      tell('table', { title, headers, rows }, () => {
        const [header = '', rule = '', ...lines] = table(headers, rows);
        return ['', ...(title === '' ? [] : [paint.bold(title)]), header, paint.dim(rule), ...lines];
      }),
    result: (name, data, text) => always('result', { name, ...data }, [text]),
  };
}

function colorOn(stream: OutputStream): boolean {
  return picocolors.isColorSupported && (stream.isTTY === true || Boolean(process.env.FORCE_COLOR));
}

interface LineOptions {
  readonly mode: DisplayOptions['mode'];
  readonly stream: OutputStream;
  readonly now: () => number;
  readonly terminal: boolean;
  readonly json: (event: string, data: Readonly<Record<string, unknown>>) => void;
}

interface Stage {
  readonly name: string;
  /** Milliseconds. */
  readonly started: number;
  /** What was done when it started. */
  readonly first: number;
  done: number;
  readonly rate: Rate;
  /** When it was last shown. */
  drawn: number;
  ended: boolean;
}

/** The stage in progress: one live line on a terminal, else a plain or JSON line now and then. */
function progressLine({ mode, stream, now, terminal, json }: LineOptions): { progress: OnProgress; clear: () => void } {
  let stage: Stage | undefined;
  let live = false;
  const every = terminal ? REDRAW.terminal : mode === 'json' ? REDRAW.json : REDRAW.plain;

  const clear = (): void => {
    if (live) stream.write('\r\x1b[2K');
    live = false;
  };
  const progress = (p: Progress): void => {
    if (mode === 'quiet') return;
    const time = now();
    if (stage === undefined || stage.name !== p.stage || p.done < stage.done) {
      clear();
      // A terminal shows a stage at once; plain lines wait, for it may be over in a moment.
      const drawn = terminal ? Number.NEGATIVE_INFINITY : time;
      stage = {
        name: p.stage,
        started: time,
        first: p.done,
        done: p.done,
        rate: rateFrom(p.done, time),
        drawn,
        ended: false,
      };
    }
    stage.done = p.done;
    if (stage.ended) return;
    stage.rate.update(p.done, time);
    const ends = p.done >= p.total;
    if (!ends && time - stage.drawn < every) return;
    stage.drawn = time;
    stage.ended = ends;
    const seconds = (time - stage.started) / 1000;
    const rate = stage.rate.perSecond();
    if (mode === 'json') {
      const eta = rate === undefined ? {} : { perSecond: rate, secondsLeft: (p.total - p.done) / rate };
      json('progress', { stage: p.stage, done: p.done, total: p.total, unit: p.unit, seconds, ...eta });
    } else if (ends && !p.transient) {
      clear();
      stream.write(`${endLine(p, p.done - stage.first, seconds)}\n`);
    } else if (terminal) {
      // One column less than there are, or some terminals wrap.
      stream.write(`\r\x1b[2K${cut(liveLine(p, rate), (stream.columns ?? 80) - 1)}`);
      live = true;
    } else if (!ends) {
      stream.write(`${plainLine(p, rate)}\n`);
    }
  };
  return { progress, clear };
}

function liveLine(p: Progress, rate: number | undefined): string {
  const filled = p.total > 0 ? Math.floor((BAR * Math.min(p.done, p.total)) / p.total) : BAR;
  return `${pad(p.stage, 12)}  ${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}  ${howFar(p, rate)}`;
}

function plainLine(p: Progress, rate: number | undefined): string {
  return `${pad(p.stage, 12)}  ${howFar(p, rate)}`;
}

function howFar({ done, total, unit }: Progress, rate: number | undefined): string {
  const count = `${pad(grouped(done), grouped(total).length, 'right')}/${grouped(total)} ${unit}`;
  return rate === undefined ? count : `${count}  ${perSecond(rate)}/s  ETA ${duration((total - done) / rate)}`;
}

/** The rate counts only what was done here, not what a stage found done. */
function endLine({ stage, total, unit }: Progress, done: number, seconds: number): string {
  const rate = seconds > 0 && done > 0 ? `  (${perSecond(done / seconds)}/s)` : '';
  return `${pad(stage, 12)}  ${grouped(total)} ${unit} in ${duration(seconds)}${rate}`;
}
