import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataError, NumericError, UsageError } from '../../core/errors.ts';
import { diskError, writeFileAtomic } from '../../core/files.ts';
import { decodeEvent, type Event, encodeEvent, type Summary } from './event.ts';
import { histogramOf } from './histogram.ts';
import { decodeRecords, encodeRecord } from './records.ts';

export interface EventFileOptions {
  /**
   * Go on with a run from here: values at later steps, and a record cut off by a crash, are removed from the files in
   * the folder, and what follows is added to the last of them. Default: start a new file.
   */
  readonly resumeAfter?: number;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** Values for TensorBoard, by tag and step. A tag's parts are separated by `/`; steps are whole numbers ≥ 0. */
export interface EventFile {
  readonly path: string;
  /** One number, kept as float32; finite. */
  scalar(tag: string, value: number, step: number): void;
  /** The distribution of values, such as a layer's weights; at least one, finite. */
  histogram(tag: string, values: ArrayLike<number>, step: number): void;
  /** A picture as PNG, with its size in pixels. */
  image(tag: string, png: Uint8Array, width: number, height: number, step: number): void;
  /** Writes what was given since the last time. Until then, a crash loses it. */
  flush(): void;
  /** Flushes; the file takes no more. */
  close(): void;
}

/** Written without being asked once this many bytes wait. */
const BUFFER = 1 << 20;

/**
 * Opens a file of events in a folder that TensorBoard can watch (`tensorboard --logdir FOLDER`).
 *
 * All tags of a folder must count the same steps, for resuming cuts every one of them at the same step.
 *
 * @param folder made where it does not exist
 * @throws {EnvironmentError} no space, no permission, or the folder cannot be made
 * @throws {UsageError} from `scalar`, `histogram`, `image`: a step that is not a whole number ≥ 0; a closed file
 * @throws {NumericError} from `scalar`, `histogram`: a value that is not finite
 */
export function openEventFile(folder: string, { resumeAfter, now = Date.now }: EventFileOptions = {}): EventFile {
  const before = listEventFiles(folder);
  if (resumeAfter !== undefined) for (const path of before) cutAfter(path, resumeAfter);
  const last = resumeAfter === undefined ? undefined : before.at(-1);
  const path = last ?? newName(folder, Math.floor(now() / 1000));
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  let closed = false;

  const add = (event: Event): void => {
    if (closed) throw new UsageError('tensorboard/closed', `${path}: expected an open event file, got a closed one`);
    const record = encodeRecord(encodeEvent(event));
    waiting.push(record);
    bytes += record.length;
    if (bytes >= BUFFER) flush();
  };
  const put = (summary: Summary, step: number): void => {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new UsageError('tensorboard/step', `${summary.tag}: expected a whole number ≥ 0 as step, got ${step}`);
    }
    add({ wallTime: now() / 1000, step, summary });
  };
  const flush = (): void => {
    if (waiting.length === 0) return;
    try {
      mkdirSync(folder, { recursive: true });
      appendFileSync(path, Buffer.concat(waiting));
    } catch (error) {
      throw diskError(path, error);
    }
    waiting = [];
    bytes = 0;
  };

  // A file that lost everything in a crash needs its mark again.
  if (last === undefined || readFileSync(last).length === 0) {
    add({ wallTime: now() / 1000, step: 0, fileVersion: 'brain.Event:2' });
    flush();
  }
  return {
    path,
    scalar: (tag, value, step) => {
      if (!Number.isFinite(value)) {
        throw new NumericError(
          'tensorboard/not-finite',
          `${tag}, step ${step}: expected a finite number, got ${value}`,
        );
      }
      put({ tag, kind: 'scalar', value }, step);
    },
    histogram: (tag, values, step) => put({ tag, kind: 'histogram', value: histogramOf(values) }, step),
    image: (tag, png, width, height, step) => put({ tag, kind: 'image', value: { png, width, height } }, step),
    flush,
    close: () => {
      flush();
      closed = true;
    },
  };
}

/** The event files in a folder, oldest first. */
export function listEventFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  try {
    const names = readdirSync(folder).filter((name) => /^events\.out\.tfevents\.\d+\.nevus$/.test(name));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    throw diskError(folder, error);
  }
}

/** TensorBoard reads files in the order of their names, so a new one is named after a later second than the others. */
function newName(folder: string, second: number): string {
  const path = join(folder, `events.out.tfevents.${String(second).padStart(10, '0')}.nevus`);
  return existsSync(path) ? newName(folder, second + 1) : path;
}

/** Rewrites a file without the events after a step and without a torn end. */
function cutAfter(path: string, step: number): void {
  const bytes = readFileSync(path);
  const { payloads } = decodeRecords(bytes);
  const kept = payloads.filter((payload) => decodeEvent(payload, path).step <= step).map(encodeRecord);
  if (kept.reduce((sum, record) => sum + record.length, 0) !== bytes.length) writeFileAtomic(path, kept);
}

/**
 * Reads every event of a file, checking both CRCs of every record.
 *
 * @throws {DataError} if a record is cut off or damaged
 */
export function readEventFile(path: string): Event[] {
  const { payloads, soundBytes, fault } = decodeRecords(readFileSync(path));
  if (fault !== undefined) {
    throw new DataError('tensorboard/record', `${path}, byte ${soundBytes}: expected a TFRecord, but ${fault}`);
  }
  return payloads.map((payload) => decodeEvent(payload, path));
}
