/** Keras layers by definition: plain loops over [H, W, C], one image, in float64. The oracle of the importer's tests. */
export interface Image {
  readonly h: number;
  readonly w: number;
  readonly c: number;
  /** [h × w × c] */
  readonly data: readonly number[];
}

export type Padding = 'same' | 'valid';

/** Start of the windows along an axis, and their number, as TensorFlow defines them. */
function axis(size: number, kernel: number, stride: number, dilation: number, padding: Padding): [number, number] {
  const span = (kernel - 1) * dilation + 1;
  if (padding === 'valid') return [0, Math.ceil((size - span + 1) / stride)];
  const out = Math.ceil(size / stride);
  const rest = size % stride === 0 ? span - stride : span - (size % stride);
  return [-Math.floor(Math.max(rest, 0) / 2), out];
}

/** For every window: the pixels in it, with their place (i, j) in the window. */
function windows(
  image: Image,
  [kh, kw]: readonly [number, number],
  stride: number,
  dilation: number,
  padding: Padding,
): { h: number; w: number; pixels: { i: number; j: number; at: number }[][] } {
  const [top, h] = axis(image.h, kh, stride, dilation, padding);
  const [left, w] = axis(image.w, kw, stride, dilation, padding);
  const pixels: { i: number; j: number; at: number }[][] = [];
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const inside: { i: number; j: number; at: number }[] = [];
      for (let i = 0; i < kh; i++)
        for (let j = 0; j < kw; j++) {
          const row = top + y * stride + i * dilation;
          const column = left + x * stride + j * dilation;
          if (row >= 0 && row < image.h && column >= 0 && column < image.w)
            inside.push({ i, j, at: (row * image.w + column) * image.c });
        }
      pixels.push(inside);
    }
  return { h, w, pixels };
}

/** @param kernel [kh, kw, C, F] */
export function conv(
  image: Image,
  kernel: ArrayLike<number>,
  size: readonly [number, number],
  filters: number,
  { stride = 1, dilation = 1, padding = 'valid' as Padding, bias = [] as ArrayLike<number> } = {},
): Image {
  const { h, w, pixels } = windows(image, size, stride, dilation, padding);
  const data = pixels.flatMap((window) =>
    Array.from({ length: filters }, (_, f) => {
      let sum = bias[f] ?? 0;
      for (const { i, j, at } of window)
        for (let c = 0; c < image.c; c++)
          sum += image.data[at + c]! * kernel[((i * size[1] + j) * image.c + c) * filters + f]!;
      return sum;
    }),
  );
  return { h, w, c: filters, data };
}

/** @param kernel [kh, kw, C, M]; output channel c·M + m */
export function depthwise(
  image: Image,
  kernel: ArrayLike<number>,
  size: readonly [number, number],
  multiplier: number,
  { stride = 1, dilation = 1, padding = 'valid' as Padding } = {},
): Image {
  const { h, w, pixels } = windows(image, size, stride, dilation, padding);
  const data = pixels.flatMap((window) =>
    Array.from({ length: image.c * multiplier }, (_, k) => {
      let sum = 0;
      for (const { i, j, at } of window)
        sum += image.data[at + Math.floor(k / multiplier)]! * kernel[(i * size[1] + j) * image.c * multiplier + k]!;
      return sum;
    }),
  );
  return { h, w, c: image.c * multiplier, data };
}

export function pool(image: Image, kind: 'max' | 'mean', size: number, stride: number, padding: Padding): Image {
  const { h, w, pixels } = windows(image, [size, size], stride, 1, padding);
  const data = pixels.flatMap((window) =>
    Array.from({ length: image.c }, (_, c) => {
      const values = window.map(({ at }) => image.data[at + c]!);
      return kind === 'max' ? Math.max(...values) : values.reduce((s, v) => s + v, 0) / values.length;
    }),
  );
  return { h, w, c: image.c, data };
}

/** [H, W, C] to the order of NCHW. */
export function toChannelsFirst({ h, w, c, data }: Image): Float32Array {
  const out = new Float32Array(data.length);
  for (let p = 0; p < h * w; p++) for (let k = 0; k < c; k++) out[k * h * w + p] = data[p * c + k]!;
  return out;
}
