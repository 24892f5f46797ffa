import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { DataError, messageOf, systemCode } from '../core/errors.ts';
import type { OnProgress } from '../core/events.ts';
import { sha256 } from '../core/hash.ts';
import { decodeImage } from '../image/decode.ts';
import type { RgbImage } from '../image/types.ts';
import type { Example, Problem } from './types.ts';

/** What is known of an image file that was read and decoded to its last pixel. */
export interface InspectedImage {
  /** Hexadecimal SHA-256 of the bytes of the file. */
  readonly sha256: string;
  /** Pixels, upright. */
  readonly width: number;
  readonly height: number;
}

export interface Inspection {
  /** By example id, in the order of the examples; those with a problem are missing. */
  readonly images: ReadonlyMap<string, InspectedImage>;
  /** In the order of the examples. */
  readonly problems: readonly Problem[];
}

export interface InspectOptions {
  /** Told after every file; stage `inspect`, unit `images`. */
  readonly onProgress?: OnProgress;
  /** Files in memory at a time. Default: the number of processors and one more, which reads while they decode. */
  readonly concurrency?: number;
  /** Stops between two files; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Told of every file that could be decoded, once, with its pixels. */
  readonly onImage?: (path: string, image: RgbImage) => void;
  /** Refuse larger pictures. Default 100,000,000 pixels. */
  readonly maxPixels?: number;
}

/**
 * Reads and decodes every image once: finds files that are missing, truncated, damaged, too large or no images at all,
 * and the hash that tells identical files.
 *
 * @returns images and problems; a bad file is never an error here: see `checkProblems`
 */
export async function inspectImages(examples: readonly Example[], options: InspectOptions = {}): Promise<Inspection> {
  const { onProgress, onImage, concurrency = availableParallelism() + 1, maxPixels, signal } = options;
  const paths = [...new Set(examples.map(({ path }) => path))];
  const results = new Map<string, InspectedImage | Problem>();

  const queue = paths.values();
  const work = async (): Promise<void> => {
    // The workers share one iterator, so each path is taken once.
    for (const path of queue) {
      signal?.throwIfAborted();
      results.set(path, await inspectFile(path, maxPixels, onImage));
      onProgress?.({ stage: 'inspect', done: results.size, total: paths.length, unit: 'images' });
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, concurrency) }, work));

  const images = new Map<string, InspectedImage>();
  const problems: Problem[] = [];
  for (const { id, path } of examples) {
    const result = results.get(path)!;
    if ('kind' in result) problems.push(result);
    else images.set(id, result);
  }
  return { images, problems };
}

async function inspectFile(
  path: string,
  maxPixels: number | undefined,
  onImage: InspectOptions['onImage'],
): Promise<InspectedImage | Problem> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const kind = systemCode(error) === 'ENOENT' ? 'missing-file' : 'unreadable';
    return { kind, where: path, detail: messageOf(error) };
  }
  try {
    const image = await decodeImage(bytes, {
      name: path,
      ...(maxPixels === undefined ? {} : { maxPixels }),
    });
    onImage?.(path, image);
    const { width, height } = image;
    return { sha256: sha256(bytes), width, height };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    // The message starts with the path, which stands in a column of its own.
    const prefix = `${path}: `;
    const detail = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
    return { kind: 'unreadable', where: path, detail };
  }
}
