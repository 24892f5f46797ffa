import sharp from 'sharp';
import type { Rng } from '../src/core/rng.ts';

/** What is done to an image to make a copy that a careless collection might hold. */
export const COPY_KINDS = ['resize', 'crop', 'jpeg', 'flip', 'rotate', 'brightness'] as const;
export type CopyKind = (typeof COPY_KINDS)[number];

/**
 * A copy of an image file, as JPEG of quality 90, or 30 for `jpeg`: resized to 35–200 % of its sides; cropped to windows of
 * 90–100 % of each side, one in two to exactly 90 %; mirrored either way; turned by 90°, 180° or 270°; or 70–130 % as bright.
 */
export async function copyOf(file: Uint8Array, kind: CopyKind, rng: Rng): Promise<Uint8Array> {
  const { width, height } = await sharp(file).metadata();
  let image = sharp(file);
  if (kind === 'resize') {
    const factor = rng.uniform(0.35, 2);
    image = image.resize(Math.round(width * factor), Math.round(height * factor), { fit: 'fill' });
  } else if (kind === 'crop') {
    const part = rng.next() < 0.5 ? [0.9, 0.9] : [rng.uniform(0.9, 1), rng.uniform(0.9, 1)];
    const [w, h] = [Math.round(width * part[0]!), Math.round(height * part[1]!)];
    image = image.extract({ left: rng.int(0, width - w), top: rng.int(0, height - h), width: w, height: h });
  } else if (kind === 'flip') {
    image = rng.next() < 0.5 ? image.flip() : image.flop();
  } else if (kind === 'rotate') {
    image = image.rotate(90 * rng.int(1, 3));
  } else if (kind === 'brightness') {
    image = image.linear(rng.uniform(0.7, 1.3), 0);
  }
  return await image.jpeg({ quality: kind === 'jpeg' ? 30 : 90 }).toBuffer();
}
