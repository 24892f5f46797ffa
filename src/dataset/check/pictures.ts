import { DataError } from '../../core/errors.ts';
import { prefetch } from '../../core/prefetch.ts';
import { decodeImage } from '../../image/decode.ts';
import { encodeJpeg } from '../../image/encode.ts';
import { shrink } from '../../image/shrink.ts';

/** Longer side of a picture on the page, in pixels. */
const SIZE = 200;
/** Pictures decoded ahead of the one that is encoded. */
const AHEAD = 4;

/** An image of the page. */
export interface Picture {
  /** A `data:` address that holds the picture itself. */
  readonly source: string;
  /** Pixels of the file. */
  readonly width: number;
  readonly height: number;
}

/**
 * Small pictures of image files, to stand in a page.
 *
 * @param paths by example id
 * @returns by example id; files that meanwhile cannot be read are left out
 */
export async function picturesOf(paths: ReadonlyMap<string, string>): Promise<Map<string, Picture>> {
  const out = new Map<string, Picture>();
  for await (const [[id], picture] of prefetch([...paths], ([, path]) => pictureOf(path), AHEAD)) {
    if (picture !== undefined) out.set(id, picture);
  }
  return out;
}

async function pictureOf(path: string): Promise<Picture | undefined> {
  try {
    const image = await decodeImage(path);
    const scale = Math.min(1, SIZE / Math.max(image.width, image.height));
    const side = (length: number): number => Math.max(1, Math.round(length * scale));
    const jpeg = await encodeJpeg(shrink(image, side(image.width), side(image.height)), 82);
    const source = `data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`;
    return { source, width: image.width, height: image.height };
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}
