/** Images of any sizes, in batches of one size. */
import type { RgbImage } from '../image/types.ts';
import { applyView, type View } from '../image/view.ts';
import type { Tensor } from '../onnx/model.ts';

/** One image, seen in one way. */
export interface Look {
  /** Index of the image. */
  readonly image: number;
  readonly view: View;
}

/** Looks that have one size. */
export interface SizedBatch {
  readonly width: number;
  readonly height: number;
  readonly looks: readonly Look[];
}

/** Images of one run, at most. */
const MAX_IMAGES = 16;
/** Pixels of one run, at most (or one image): the graph holds them as float32, 12 bytes each. */
const MAX_PIXELS = 8_000_000;

/** All looks at the images, gathered by size after the view; within a size, in order. */
export function batchesOf(images: readonly RgbImage[], views: readonly View[]): SizedBatch[] {
  const bySize = new Map<string, { readonly width: number; readonly height: number; readonly looks: Look[] }>();
  images.forEach((image, index) => {
    for (const view of views) {
      const turned = view.quarterTurns % 2 === 1;
      const [width, height] = turned ? [image.height, image.width] : [image.width, image.height];
      const key = `${width}x${height}`;
      const group = bySize.get(key) ?? { width, height, looks: [] };
      bySize.set(key, group);
      group.looks.push({ image: index, view });
    }
  });
  return [...bySize.values()].flatMap(({ width, height, looks }) => {
    const size = Math.max(1, Math.min(MAX_IMAGES, Math.floor(MAX_PIXELS / (width * height))));
    return Array.from({ length: Math.ceil(looks.length / size) }, (_, i) => ({
      width,
      height,
      looks: looks.slice(i * size, (i + 1) * size),
    }));
  });
}

/** The pixels of a batch, uint8 [n, H, W, 3]. */
export function pixelsOf(images: readonly RgbImage[], { width, height, looks }: SizedBatch): Tensor {
  const size = width * height * 3;
  const data = new Uint8Array(looks.length * size);
  looks.forEach(({ image, view }, i) => {
    data.set(applyView(images[image]!, view).data, i * size);
  });
  return { dtype: 'uint8', dims: [looks.length, height, width, 3], data };
}
