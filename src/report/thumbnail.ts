import { decodeImage } from '../image/decode.ts';
import { encodeJpeg } from '../image/encode.ts';
import { shrink } from '../image/shrink.ts';

/**
 * A small picture to put into a page: `data:image/jpeg;base64,…`
 *
 * @param side longest side in pixels; smaller pictures stay as they are. Default 160
 * @returns undefined where the file cannot be read
 */
export async function thumbnail(path: string, side = 160): Promise<string | undefined> {
  try {
    const image = await decodeImage(path);
    const scale = Math.min(1, side / Math.max(image.width, image.height));
    const of = (length: number): number => Math.max(1, Math.round(length * scale));
    const bytes = await encodeJpeg(shrink(image, of(image.width), of(image.height)), 82);
    return `data:image/jpeg;base64,${Buffer.from(bytes).toString('base64')}`;
  } catch {
    return undefined;
  }
}
