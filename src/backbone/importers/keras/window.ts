/** Sliding windows: kernel, stride, dilation and padding as Keras writes them, as ONNX needs them. */
import { z } from 'zod';
import { ShapeError } from '../../../core/errors.ts';
import { type Attributes, ints } from '../../../onnx/model.ts';
import { type LayerCall, type SpatialInput, whereOf } from './layer.ts';

/** [height, width], or one number for both. */
export const Pair = z.union([z.tuple([z.int(), z.int()]), z.int().transform((n): [number, number] => [n, n])]);

/** Only the layout that Keras has by default; the other is rare and untested. */
export const ChannelsLast = z.literal('channels_last').default('channels_last');

export const Padding = z.enum(['same', 'valid']);

export interface Window {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations?: readonly [number, number];
  readonly padding: z.output<typeof Padding>;
}

/**
 * Attributes and output size. With `same` padding the output is ⌈in / stride⌉ and the zeros that it takes,
 * max((out − 1)·stride + (kernel − 1)·dilation + 1 − in, 0), are split with the odd one *after* the image, so that
 * they are explicit, and not symmetric at stride 2.
 *
 * @throws {ShapeError} if the window is larger than the image
 */
export function slide(
  call: LayerCall,
  input: SpatialInput,
  window: Window,
): { readonly attributes: Attributes; readonly height: number; readonly width: number } {
  const dilations = window.dilations ?? [1, 1];
  const rows = along(input.height, window.kernel[0], window.strides[0], dilations[0], window.padding);
  const columns = along(input.width, window.kernel[1], window.strides[1], dilations[1], window.padding);
  if (rows.size < 1 || columns.size < 1)
    throw new ShapeError(
      'keras/window',
      `${whereOf(call)}: expected an image of at least ${window.kernel.join(' × ')}, got ${input.height} × ${input.width}`,
    );
  return {
    attributes: {
      kernel_shape: ints(window.kernel),
      strides: ints(window.strides),
      pads: ints([rows.before, columns.before, rows.after, columns.after]),
      ...(window.dilations === undefined ? {} : { dilations: ints(dilations) }),
    },
    height: rows.size,
    width: columns.size,
  };
}

function along(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: Window['padding'],
): { readonly before: number; readonly after: number; readonly size: number } {
  const span = (kernel - 1) * dilation + 1;
  if (padding === 'valid') return { before: 0, after: 0, size: Math.floor((size - span) / stride) + 1 };
  const out = Math.ceil(size / stride);
  const total = Math.max((out - 1) * stride + span - size, 0);
  const before = Math.floor(total / 2);
  return { before, after: total - before, size: out };
}
