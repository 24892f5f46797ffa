/** Decoded pixels: RGB, 8 bits, row-major, interleaved (HWC), upright (EXIF orientation applied). */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** [height × width × 3] */
  readonly data: Uint8Array;
}
