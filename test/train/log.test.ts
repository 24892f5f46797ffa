import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLog } from '../../src/train/log.ts';

const newPath = (): string => join(mkdtempSync(join(tmpdir(), 'nevus-log-')), 'log.jsonl');
const entries = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));

describe('log', () => {
  it('has one object per line and counts its bytes', () => {
    const path = newPath();
    const log = openLog(path);
    expect(log.bytes).toBe(0);
    log.write({ event: 'µ', n: 1 });
    log.write({ event: 'line\nbreak' });
    expect(log.bytes).toBe(readFileSync(path).length);
    log.close();
    expect(entries(path)).toEqual([{ event: 'µ', n: 1 }, { event: 'line\nbreak' }]);
  });

  it('resumed, loses what was written after the state it resumes from', () => {
    const path = newPath();
    const first = openLog(path);
    first.write({ epoch: 1 });
    const { bytes } = first;
    first.write({ epoch: 2 });
    first.close();
    // A line that a crash tore.
    appendFileSync(path, '{"epo');
    const second = openLog(path, bytes);
    expect(second.bytes).toBe(bytes);
    second.write({ epoch: 2, again: true });
    second.close();
    expect(entries(path)).toEqual([{ epoch: 1 }, { epoch: 2, again: true }]);
  });

  it('starts anew where nothing is to be kept, and never grows by resuming', () => {
    const path = newPath();
    const first = openLog(path);
    first.write({ epoch: 1 });
    first.close();
    const second = openLog(path, 1000);
    expect(second.bytes).toBe(readFileSync(path).length);
    second.close();
    expect(entries(path)).toEqual([{ epoch: 1 }]);
    openLog(path).close();
    expect(readFileSync(path, 'utf8')).toBe('');
  });
});
