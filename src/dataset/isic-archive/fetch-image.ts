/** One image of the ISIC Archive: fetched, checked, and only then given its name. */
import { renameSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, EnvironmentError, messageOf } from '../../core/errors.ts';
import { diskError } from '../../core/files.ts';
import { download } from '../../core/http/download.ts';
import { partPath, removeNote, removePart } from '../../core/http/part.ts';
import { decodeImage } from '../../image/decode.ts';
import { type ImageFormat, imageFormat } from '../../image/sniff.ts';
import { fileUrl, type ImageRecord, imageRecord, type Patience } from './search.ts';

const ENDINGS: Readonly<Partial<Record<ImageFormat, string>>> = {
  jpeg: '.jpg',
  png: '.png',
  webp: '.webp',
  tiff: '.tif',
  bmp: '.bmp',
};

/** The file of an image if it is there, of the size that the archive says. */
export function fileOf(folder: string, { isic_id: id, files }: ImageRecord): string | undefined {
  return Object.values(ENDINGS)
    .map((ending) => join(folder, id + ending))
    .find((path) => {
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      return size !== undefined && (files.full.size == null || size === files.full.size);
    });
}

/**
 * Fetches an image into a folder. What was fetched of it before is gone on with.
 *
 * A link that the archive no longer honours is asked for anew, once; a file of the wrong size or with damage is fetched anew,
 * once.
 *
 * @returns the file's bytes
 * @throws {EnvironmentError} it does not come, or not with the size that the archive says (`isic/size`)
 * @throws {DataError} `image/…` it is no image that can be decoded to its end
 */
export async function fetchImage(
  archive: URL,
  record: ImageRecord,
  folder: string,
  patience: Patience,
): Promise<number> {
  try {
    return await fetchOnce(record, folder, patience);
  } catch (error) {
    if (!mayHelp(error)) throw error;
  }
  return await fetchOnce(await imageRecord(archive, record.isic_id, patience), folder, patience);
}

/** Links expire (403, 404, 410); bytes that are wrong may be right the second time. */
function mayHelp(error: unknown): boolean {
  if (error instanceof DataError) return true;
  const codes = ['download/403', 'download/404', 'download/410', 'download/size', 'download/page', 'isic/size'];
  return error instanceof EnvironmentError && codes.includes(error.code);
}

async function fetchOnce(record: ImageRecord, folder: string, patience: Patience): Promise<number> {
  const { isic_id: id, files } = record;
  const path = join(folder, id);
  const { bytes } = await download({ url: fileUrl(record), path, name: id, advice: () => undefined }, patience);
  const { size } = files.full;
  if (size != null && bytes !== size) {
    removePart(path);
    throw new EnvironmentError('isic/size', `${id}: expected ${size} bytes, as the archive says, got ${bytes}`);
  }
  const content = await readFile(partPath(path));
  try {
    await decodeImage(content, { name: id });
  } catch (error) {
    removePart(path);
    throw error;
  }
  const format = imageFormat(content);
  const ending = format === undefined ? undefined : ENDINGS[format];
  if (ending === undefined) {
    removePart(path);
    throw new DataError('image/format', `${id}: expected a picture, got ${format ?? 'something else'}`);
  }
  try {
    renameSync(partPath(path), path + ending);
  } catch (error) {
    throw diskError(path, error);
  }
  removeNote(path);
  return bytes;
}

/** Why an image did not come, in one line. */
export function reasonOf(error: unknown): string {
  return messageOf(error).split('\n')[0] ?? '';
}
