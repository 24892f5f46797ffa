import { closeSync, existsSync, fsyncSync, openSync, statSync, truncateSync } from 'node:fs';
import { diskError, writeAll } from '../core/files.ts';

/** `log.jsonl`: one JSON object per line, one line per event of a run. */
export interface RunLog {
  write(entry: Readonly<Record<string, unknown>>): void;
  /** Length of the file so far: where a resumed run cuts it. */
  readonly bytes: number;
  close(): void;
}

/** @param bytes what to keep of an earlier file; the rest was written after the state that the run resumes from */
export function openLog(path: string, bytes = 0): RunLog {
  try {
    if (existsSync(path)) truncateSync(path, Math.min(bytes, statSync(path).size));
    const file = openSync(path, 'a');
    return {
      write: (entry) => {
        try {
          writeAll(file, Buffer.from(`${JSON.stringify(entry)}\n`));
        } catch (error) {
          throw diskError(path, error);
        }
      },
      get bytes() {
        return statSync(path).size;
      },
      close: () => {
        fsyncSync(file);
        closeSync(file);
      },
    };
  } catch (error) {
    throw diskError(path, error);
  }
}
