import { maskedCrc32c } from './crc32c.ts';

/** Bytes before the payload: its length (uint64) and the CRC of that. */
const HEADER = 12;
/** Bytes after it: its CRC. */
const FOOTER = 4;

/** Frames a payload as a TFRecord: length, CRC of the length, payload, CRC of the payload; all little-endian. */
export function encodeRecord(payload: Uint8Array): Uint8Array {
  const record = new Uint8Array(HEADER + payload.length + FOOTER);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(payload.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(payload, HEADER);
  view.setUint32(HEADER + payload.length, maskedCrc32c(payload), true);
  return record;
}

/** The sound records at the start of a file, and what stopped the reading. */
export interface Records {
  readonly payloads: readonly Uint8Array[];
  /** Bytes that the sound records take; the length of the file where nothing is wrong. */
  readonly soundBytes: number;
  /** What is wrong after them; undefined where the file ends with a whole record. */
  readonly fault: string | undefined;
}

/** Reads records up to the end of the bytes or the first that is cut off or fails a CRC. Payloads are views. */
export function decodeRecords(bytes: Uint8Array): Records {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payloads: Uint8Array[] = [];
  let at = 0;
  const stop = (fault: string | undefined): Records => ({ payloads, soundBytes: at, fault });
  while (at < bytes.length) {
    if (at + HEADER > bytes.length) return stop('the record is cut off');
    if (view.getUint32(at + 8, true) !== maskedCrc32c(bytes.subarray(at, at + 8))) {
      return stop('the CRC of its length is wrong');
    }
    const length = Number(view.getBigUint64(at, true));
    const end = at + HEADER + length;
    if (end + FOOTER > bytes.length) return stop('the record is cut off');
    const payload = bytes.subarray(at + HEADER, end);
    if (view.getUint32(end, true) !== maskedCrc32c(payload)) return stop('the CRC of its content is wrong');
    payloads.push(payload);
    at = end + FOOTER;
  }
  return stop(undefined);
}
