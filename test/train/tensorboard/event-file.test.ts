import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataError, EnvironmentError, NumericError, UsageError } from '../../../src/core/errors.ts';
import { listEventFiles, openEventFile, readEventFile } from '../../../src/train/tensorboard/event-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nevus-events-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const now = () => 1_700_000_000_500;
const steps = (path: string): number[] =>
  readEventFile(path).flatMap((event) => (event.summary === undefined ? [] : [event.step]));

function write(count: number): string {
  const file = openEventFile(folder, { now });
  for (let step = 0; step < count; step++) file.scalar('loss', 1 / (step + 1), step);
  file.close();
  return file.path;
}

describe('openEventFile', () => {
  it('writes the mark first, then each value with its time', () => {
    const file = openEventFile(join(folder, 'deep', 'er'), { now });
    file.scalar('loss', 0.5, 3);
    file.histogram('weights', Float32Array.of(1, 2), 3);
    file.image('grid', Uint8Array.of(1, 2, 3), 20, 10, 3);
    file.close();
    const wallTime = 1_700_000_000.5;
    expect(readEventFile(file.path)).toMatchObject([
      { wallTime, step: 0, fileVersion: 'brain.Event:2' },
      { wallTime, step: 3, summary: { tag: 'loss', kind: 'scalar', value: 0.5 } },
      { wallTime, step: 3, summary: { tag: 'weights', kind: 'histogram', value: { min: 1, max: 2, num: 2, sum: 3 } } },
      {
        wallTime,
        step: 3,
        summary: { tag: 'grid', kind: 'image', value: { width: 20, height: 10, png: Buffer.of(1, 2, 3) } },
      },
    ]);
    expect(file.path).toMatch(/events\.out\.tfevents\.1700000000\.nevus$/);
  });

  it('writes what it was given when asked, and by itself when much waits', () => {
    const file = openEventFile(folder, { now });
    file.scalar('loss', 1, 0);
    expect(steps(file.path)).toEqual([]);
    file.flush();
    expect(steps(file.path)).toEqual([0]);
    file.image('grid', new Uint8Array(1 << 20), 1, 1, 1);
    expect(steps(file.path)).toEqual([0, 1]);
  });

  it('starts another file, later in order, where it is not told to resume', () => {
    const first = write(2);
    const before = readFileSync(first);
    const second = write(1);
    expect(listEventFiles(folder)).toEqual([first, second]);
    expect(readFileSync(first)).toEqual(before);
  });

  it('resumes as if the later steps had never been', () => {
    const path = write(4);
    const uninterrupted = readFileSync(path);
    truncateSync(path, 0);
    rmSync(path);
    write(3);
    const file = openEventFile(folder, { now, resumeAfter: 1 });
    expect(file.path).toBe(path);
    file.scalar('loss', 1 / 3, 2);
    file.scalar('loss', 1 / 4, 3);
    file.close();
    expect(readFileSync(path)).toEqual(uninterrupted);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('drops what a crash cut off, wherever it cut', () => {
    const path = write(3);
    const whole = readFileSync(path);
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const file = openEventFile(folder, { now, resumeAfter: 99 });
      file.scalar('loss', 1, 7);
      file.close();
      const events = readEventFile(path);
      expect(events[0]).toHaveProperty('fileVersion', 'brain.Event:2');
      expect(events.at(-1)).toHaveProperty('step', 7);
    }
  });

  it('cuts every file in the folder when it resumes', () => {
    const paths = [write(4), write(4)];
    openEventFile(folder, { now, resumeAfter: 0 }).close();
    expect(paths.map(steps)).toEqual([[0], [0]]);
  });

  it('refuses what TensorBoard could not show', () => {
    const file = openEventFile(folder, { now });
    expect(() => file.scalar('loss', Number.NaN, 0)).toThrow(NumericError);
    expect(() => file.scalar('loss', 1, -1)).toThrow(UsageError);
    expect(() => file.scalar('loss', 1, 0.5)).toThrow(UsageError);
    file.close();
    expect(() => file.scalar('loss', 1, 0)).toThrow(UsageError);
  });

  it('says so where the folder is a file', () => {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    expect(() => openEventFile(path, { now })).toThrow(EnvironmentError);
  });
});

describe('readEventFile', () => {
  it('says where a file is damaged', () => {
    const path = write(1);
    const sound = readFileSync(path).length;
    appendFileSync(path, Buffer.from([1, 2, 3]));
    expect(() => readEventFile(path)).toThrow(DataError);
    expect(() => readEventFile(path)).toThrow(`byte ${sound}: expected a TFRecord, but the record is cut off`);
  });
});
